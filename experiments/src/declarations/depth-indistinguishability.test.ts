import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { stepsBefore, untilNow } from '../comparison/experiment.ts';
import { jobContext } from '../testing/job-context.ts';
import job, { arms } from './depth-indistinguishability.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'depth-'));
afterAll(() => rmSync(root, { recursive: true }));

const standard = job.profiles['standard']!;

it('trains ControlNet twice, from seeds that share nothing, and depth bases each behind the shorter one', async () => {
  const tasks = await job.tasks!(jobContext('standard', standard, root));
  // What is drawn without a control, or with several, stands behind the trainings.
  const ids = tasks.map(({ id }) => id).filter((id) => !id.startsWith('drawn-'));
  expect(ids).toHaveLength(30);
  for (const seed of [1, 5])
    expect(ids).toEqual(expect.arrayContaining([`depth-controlnet-${seed}`, `depth-controlnet-again-${1000 + seed}`]));
  const { steps } = standard.recipe;
  const bases = arms.filter(({ id }) => id.startsWith('depth-base'));
  expect(bases.map((arm) => [stepsBefore(standard, arm), untilNow(standard, arm).steps])).toEqual([
    [0, steps],
    [steps, 4 * steps],
    [4 * steps, 8 * steps],
  ]);
}, 60_000);

it('says before a run what it costs and what it can see', () => {
  const [cost, power] = job.plan!(standard, {});
  expect(cost).toBe('30 trainings of 176,000 samples together, 8,000 pictures to draw, less what the store has');
  expect(power).toMatch(/^share right: if differences scatter by 0\.03 over seeds, 5 trainings an arm show 0\.0\d+ beyond the bound/);
});
