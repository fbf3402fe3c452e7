import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { COMPARISON, commands } from '../commands.ts';
import type { Profile } from '../comparison/experiment.ts';
import type { Job, JobContext } from '../runner/job.ts';
import { numericsOf } from '../runner/numerics.ts';
import { Store } from '../runner/store.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'declarations-'));
afterAll(() => rmSync(root, { recursive: true }));

const engine = { engine: 'onnx', provider: 'cpu', threads: 1 } as const;

/** Everything that a run opens before it computes: bases, scenes, arms, and what identifies each training. */
async function planned(job: Job<Profile>, profileName: string) {
  const say = (): void => {};
  const at: JobContext<Profile> = {
    profile: job.profiles[profileName]!,
    profileName,
    seed: 1,
    flags: {},
    engine,
    numerics: numericsOf(engine, null),
    store: new Store(path.join(root, 'store'), { commit: null, say }),
    say,
    stage: (_name, compute) => compute(),
  };
  return job.tasks!(at);
}

it.each(commands.filter(({ executor }) => executor === COMPARISON).map(({ name }) => name))(
  '%s lists the trainings of its smallest profile, each once and none done',
  async (name) => {
    const { default: job } = (await import(new URL(`./${name}.ts`, import.meta.url).href)) as { default: Job<Profile> };
    expect(job.id).toBe(name);
    const [first] = Object.keys(job.profiles);
    const tasks = await planned(job, 'tiny' in job.profiles ? 'tiny' : first!);
    expect(tasks.length).toBeGreaterThan(0);
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(tasks.length);
    expect(tasks.some((task) => task.done())).toBe(false);
  },
  60_000,
);
