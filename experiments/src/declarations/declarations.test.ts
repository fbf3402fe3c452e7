import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { COMPARISON, commands } from '../commands.ts';
import type { Profile } from '../comparison/experiment.ts';
import type { Job } from '../runner/job.ts';
import { jobContext } from '../testing/job-context.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'declarations-'));
afterAll(() => rmSync(root, { recursive: true }));

it.each(commands.filter(({ executor }) => executor === COMPARISON).map(({ name }) => name))(
  '%s lists the trainings of its smallest profile, each once and none done',
  async (name) => {
    const { default: job } = (await import(new URL(`./${name}.ts`, import.meta.url).href)) as { default: Job<Profile> };
    expect(job.id).toBe(name);
    const [first] = Object.keys(job.profiles);
    const smallest = 'tiny' in job.profiles ? 'tiny' : first!;
    // Everything that a run opens before it computes: bases, scenes, arms, and what identifies each training.
    const tasks = await job.tasks!(jobContext(smallest, job.profiles[smallest]!, root));
    expect(tasks.length).toBeGreaterThan(0);
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(tasks.length);
    expect(tasks.some((task) => task.done())).toBe(false);
  },
  60_000,
);
