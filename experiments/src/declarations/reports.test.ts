import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { normal, type RgbImage } from '@controllab/data';
import { encodePng, writeReport, type Provenance, type Report } from '@controllab/report';
import { TrainingError } from '@controllab/training';
import { COMPARISON, commands } from '../commands.ts';
import { drawnFor, type Drawn } from '../comparison/compute/drawing/draw.ts';
import { LOSS_PROMPTS, type HeldOutLoss, type LossPlan } from '../comparison/compute/judging/held-out-loss.ts';
import { applies, type Measure } from '../comparison/compute/judging/measures.ts';
import { SIGNALS } from '../comparison/compute/training/signals.ts';
import type { Setting, TrainingKey, TrainingValue } from '../comparison/compute/training/train.ts';
import { BASE, recipeOf, type Drawing, type Profile } from '../comparison/experiment.ts';
import convergence from './convergence.ts';
import type { Job } from '../runner/job.ts';
import type { Stored } from '../runner/store.ts';
import { jobContext } from '../testing/job-context.ts';

// A standard run takes hours, and what it ends in is a page: here every experiment's page is written, of trainings, pictures and values
// that nobody computed.

const SIZE = 64;
const grey: RgbImage = { rgb: new Uint8Array(3 * SIZE * SIZE).fill(128), width: SIZE, height: SIZE };
const picture = Buffer.from(await encodePng(grey.rgb, SIZE, SIZE)).toString('base64');

let drawn = 0;
/** A number between 0 and 1 that nothing else has. */
const made = (): number => 0.5 + 0.1 * Math.tanh(normal(1, 'made up', drawn++, 1)[0]!);
const byLossPrompt = <T>(of: () => T) => Object.fromEntries(LOSS_PROMPTS.map((prompt) => [prompt, of()])) as Record<keyof HeldOutLoss, T>;
const stored = <T>(value: T): Stored<T> => ({
  value,
  directory: root,
  hash: `made up ${drawn++}`,
  cached: true,
  record: { commit: null, finishedAt: '2026-01-01T00:00:00.000Z', seconds: 1 },
});

function training({ at: { profile } }: Setting, { arm }: TrainingKey): TrainingValue {
  const { steps } = recipeOf(profile, arm);
  const { every, images, loss, copies, measures } = profile.follow;
  const evaluated = [...Array.from({ length: Math.ceil(steps / every) }, (_, k) => k * every), steps];
  const rising = (step: number): number => 0.3 + 0.6 / (1 + Math.exp(-(step - steps / (2 + made())) / (steps / 20)));
  return {
    parameters: { control: 1000, inBase: arm.method.id.includes('next') ? 10 : 0 },
    losses: Array.from({ length: steps }, made),
    curve: {
      steps: evaluated,
      perImage: evaluated.map((step) => Array.from({ length: images }, () => Math.min(1, rising(step) + 0.05 * made()))),
      pictures: evaluated.map(() => picture),
      ...(loss === undefined
        ? {}
        : { heldOut: byLossPrompt(() => evaluated.map((step) => loss.timesteps.map(() => 0.4 - 0.3 * rising(step)))) }),
      ...(loss?.signals === true
        ? { signals: Object.fromEntries(SIGNALS.map((id) => [id, evaluated.map(made)])) as Record<(typeof SIGNALS)[number], number[]> }
        : {}),
      ...(measures === undefined
        ? {}
        : {
            measures: Object.fromEntries(
              measures.map((id) => [id, evaluated.map(() => Array.from({ length: images }, () => 40 * made()))]),
            ),
          }),
      ...(copies === true ? { copies: evaluated.map(() => Array.from({ length: images }, made)) } : {}),
    },
  };
}

let failing = (_key: TrainingKey): boolean => false;
vi.mock('../comparison/compute/training/train.ts', async (original) => ({
  ...(await original<object>()),
  storedTraining: (setting: Setting, key: TrainingKey) =>
    failing(key) ? Promise.reject(new TrainingError('non-finite', 'the loss is NaN.', { step: 41 })) : Promise.resolve(stored(training(setting, key))), // prettier-ignore
}));
vi.mock('../comparison/compute/drawing/draw.ts', async (original) => ({
  ...(await original<object>()),
  storedDrawings: (setting: Setting, drawing: Drawing, _arms: unknown, seed: number, prompts: readonly string[]) => {
    const images = drawnFor(setting, drawing, seed).examples.map(() => grey);
    const each = (drawing.prompts ?? prompts).map((prompt): [string, Drawn] => [
      prompt,
      { hash: `made up ${drawn++}`, label: 'made up', images },
    ]);
    return Promise.resolve(Object.fromEntries(each));
  },
}));
vi.mock('../comparison/compute/judging/judge.ts', async (original) => ({
  ...(await original<object>()),
  storedMeasures: (
    _setting: Setting,
    measures: readonly Measure[],
    { images, condition }: { images: readonly RgbImage[]; condition: never },
  ) =>
    Promise.resolve(
      Object.fromEntries(
        measures
          .filter((measure) => applies(measure, condition))
          .map(({ id, per }) => [id, Array.from({ length: per === 'image' ? images.length : 1 }, made)]),
      ),
    ),
}));
vi.mock('../comparison/compute/judging/stored-loss.ts', async (original) => ({
  ...(await original<object>()),
  heldOutLoss: (_setting: Setting, { plan }: { plan: LossPlan }) =>
    Promise.resolve(byLossPrompt(() => plan.timesteps.map(() => plan.scenes.examples.map(made)))),
}));
const told = () => ({ accuracy: made(), spread: 0.05, raters: Array.from({ length: 12 }, made) });
vi.mock('../comparison/compute/judging/raters.ts', async (original) => ({
  ...(await original<object>()),
  storedRatings: () => Promise.resolve({ single: told(), sideBySide: told(), perSet: 100, seed: 1 }),
}));
vi.mock('../comparison/compute/training/start.ts', () => ({ startDifference: () => Promise.resolve({ difference: 0, values: 8 }) }));
vi.mock('../comparison/compute/training/cost.ts', () => ({ trainingCost: () => ({ step: 1e9, before: 0 }) }));

const root = mkdtempSync(path.join(os.tmpdir(), 'reports-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Its arms and seeds, with as few pictures and scenes as show everything. */
const smaller = (profile: Profile): Profile => ({
  ...profile,
  drawn: { ...profile.drawn, singles: Math.min(4, profile.drawn.singles), pairs: Math.min(2, profile.drawn.pairs) },
  shown: { singles: Math.min(2, profile.shown.singles), pairs: Math.min(1, profile.shown.pairs) },
  ...(profile.heldOut === undefined ? {} : { heldOut: { ...profile.heldOut, scenes: 2 } }),
});

it('an arm with a training that is no longer finite is left out, which is kept and said', async () => {
  failing = ({ arm, seed }) => arm.id === 'rate-0003' && seed === 2;
  const profile = { ...convergence.profiles['tiny']!, arms: ['proposed', 'gaussian', 'rate-0003'], seeds: 2 };
  const at = jobContext('tiny', profile, path.join(root, 'failing'));
  const said: string[] = [];
  const page = async () => {
    const result = await convergence.run({ ...at, say: (line) => said.push(line) });
    return { result, report: await convergence.report(result, at) };
  };
  const { report } = await page();
  expect(report.arms!.map(({ id }) => id)).toEqual(['proposed', 'gaussian']);
  expect(report.summary).toMatch(
    /Left out are arms with a training that was no longer finite: rate 0\.003, canny, seed 2, from step 41 on\.$/,
  );
  expect(said).toEqual(['the loss is NaN. The report leaves its arm out.']);
  const tasks = await convergence.tasks!(at);
  expect(tasks.filter((task) => task.done()).map(({ id }) => id)).toEqual(['canny-rate-0003-2']);
  // It is not trained again, nor waited for.
  failing = () => false;
  const again = await page();
  expect(again.result.results.failed).toEqual([{ arm: 'rate-0003', label: 'rate 0.003, canny, seed 2', step: 41 }]);
  expect(said).toHaveLength(1);
}, 60_000);

it('what is drawn from several networks waits for them, and is done with where one of them failed', async () => {
  const job = (await import('./composition.ts')).default;
  const at = jobContext('tiny', smaller({ ...job.profiles['tiny']!, seeds: 2 }), path.join(root, 'failed-part'));
  failing = ({ condition, seed }) => condition === 'mask' && seed === 2;
  await job.run({ ...at, say: () => {} }).catch(() => {});
  failing = () => false;
  const tasks = await job.tasks!(at);
  const sums = tasks.filter(({ id }) => id.startsWith('drawn-sum-'));
  expect(sums.map((task) => [task.id, task.done()])).toEqual([
    ['drawn-sum-1', false],
    ['drawn-sum-2', true],
  ]);
  const ids = new Set(tasks.map(({ id }) => id));
  expect(sums[0]!.after!.length).toBeGreaterThan(1);
  expect(sums[0]!.after!.every((id) => ids.has(id))).toBe(true);
});

/** The document of a run, and its page below the folder. */
async function pageOf(job: Job<Profile>, at: ReturnType<typeof jobContext>, folder: string): Promise<Omit<Report, 'id' | 'provenance'>> {
  const result = await job.run(at);
  const report = await job.report(result, at);
  const provenance: Provenance = {
    commit: null,
    profile: at.profileName,
    configHash: '0',
    engine: 'none',
    machine: 'none',
    wallSeconds: null,
    finishedAt: '2026-01-01T00:00:00.000Z',
    command: 'none',
    ...job.sources(result, []),
  };
  // Refuses numbers that are not finite, references to what is not there, and two things of one name.
  await writeReport(path.join(root, job.id, folder), { id: job.id, ...report, provenance });
  expect(report.takeaway, `${job.id} ${folder}`).not.toMatch(/NaN|undefined|Infinity/);
  return report;
}

const declarationOf = async (name: string): Promise<Job<Profile>> =>
  ((await import(new URL(`./${name}.ts`, import.meta.url).href)) as { default: Job<Profile> }).default;

const declared = commands.filter(({ executor }) => executor === COMPARISON).map(({ name }) => name);

it.each(declared)(
  '%s: every profile ends in a report',
  async (name) => {
    const job = await declarationOf(name);
    for (const [profileName, profile] of Object.entries(job.profiles)) {
      const report = await pageOf(job, jobContext(profileName, smaller(profile), root), profileName);
      for (const block of report.sections.flatMap(({ blocks }) => blocks)) {
        if (block.kind !== 'table') continue;
        const rows = block.rows.map((row) => JSON.stringify(row));
        expect(new Set(rows).size, `rows of ${block.id} of ${name} ${profileName}`).toBe(rows.length);
      }
    }
  },
  120_000,
);

it.each(declared)(
  '%s: so does one of other seeds, conditions and base, and where its first arm fails, with as many primary results',
  async (name) => {
    const job = await declarationOf(name);
    const options = new Map(job.options!.map((option) => [option.attributeName(), option]));
    const conditions = [...(options.get('conditions')?.description.includes('commas') ? ['mask'] : []), 'depth'].join();
    const flags = {
      seeds: options.get('seeds')!.parseArg!('2', undefined),
      base: options.get('base')!.parseArg!('mini-s', undefined),
      conditions: options.get('conditions')?.parseArg!(conditions, undefined),
    };
    const [profileName, profile] = Object.entries(job.profiles).find(([known]) => known === 'tiny') ?? Object.entries(job.profiles)[0]!;
    const chosen = smaller(job.chosen!(profile, flags));
    const run = (folder: string) =>
      pageOf(job, { ...jobContext(profileName, chosen, path.join(root, 'stores', name, folder)), flags }, folder);
    const primaries = ({ claims }: Pick<Report, 'claims'>): string[] => claims.filter(({ primary }) => primary).map(({ id }) => id);
    failing = () => false;
    const whole = await run('whole');
    const on = flags.conditions === undefined ? '' : conditions === 'depth' ? '; depth map' : '; object mask, depth map';
    expect(whole.summary).toContain(` Chosen in place of the profile’s: 2 seeds; base mini-s${on}. `);
    expect(job.chosen!(profile, {})).toBe(profile);
    const [first] = whole.arms!.filter(({ id }) => id !== BASE);
    failing = ({ arm }) => arm.id === first!.id;
    const report = await run('first-fails');
    failing = () => false;
    expect(report.summary).toMatch(/Left out are arms with a training that was no longer finite: /);
    expect(report.arms!.map(({ id }) => id)).not.toContain(first!.id);
    expect(primaries(report)).toEqual(primaries(whole));
  },
  120_000,
);
