import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as coreBlocks from '@controllab/core-blocks';
import { Lock } from '@controllab/data';
import { localBatches } from './batch.ts';
import { constantRate } from './learning-rate.ts';
import { runTraining, type TrainingOptions } from './run-training.ts';
import { fakeBatch, fakeState, fakeStep } from './testing/fake-step.ts';

vi.mock('@controllab/core-blocks', async (original) => {
  const actual = await original<typeof coreBlocks>();
  return { ...actual, writeSafetensors: vi.fn(actual.writeSafetensors) };
});
afterEach(() => {
  vi.mocked(coreBlocks.writeSafetensors).mockClear();
});

const newDirectory = () => mkdtempSync(path.join(tmpdir(), 'training-'));
const written: string[] = [];
const run = (options: Partial<TrainingOptions> = {}) => {
  written.length = 0;
  return runTraining({
    name: 'fake',
    step: fakeStep(),
    initialState: fakeState,
    batches: localBatches(fakeBatch),
    totalSteps: 20,
    seed: 1,
    config: { width: 4 },
    learningRate: constantRate({ peak: 0.05, warmup: 5 }),
    output: { write: (text) => written.push(text) },
    ...options,
  });
};
const checkpoint = (directory: string, step: number) =>
  path.join(directory, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`);
const checkpoints = (directory: string) => readdirSync(path.join(directory, 'checkpoints')).sort();
const bytes = (directory: string, step: number) => readFileSync(checkpoint(directory, step)).toString('hex');
const log = (directory: string) =>
  readFileSync(path.join(directory, 'log.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { step: number; loss?: number });

describe('runTraining', () => {
  it('trains, logs, evaluates and keeps the last two checkpoints', async () => {
    const directory = newDirectory();
    const result = await run({
      directory,
      checkpointEvery: 5,
      evaluation: { every: 10, run: async ({ step, state }) => ({ weight: state['p:w']!.data[0]!, at: step }) },
    });
    expect(result).toMatchObject({ status: 'finished', step: 20, resumedFrom: null, checkpoint: checkpoint(directory, 20) });
    expect(result.losses.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(result.losses.at(-1)!.loss).toBeLessThan(result.losses[0]!.loss / 2);
    expect(result.evaluations.map(({ step, values }) => [step, values.at])).toEqual([
      [0, 0],
      [10, 10],
      [20, 20],
    ]);
    expect(result.evaluations[0]!.values.weight).toBe(0.5);
    expect(checkpoints(directory)).toEqual(['step-00000015.safetensors', 'step-00000020.safetensors']);
    expect(log(directory).map(({ step }) => step)).toEqual([
      0,
      ...Array.from({ length: 10 }, (_, i) => i + 1),
      10,
      ...Array.from({ length: 10 }, (_, i) => i + 11),
      20,
    ]);
    expect(result.timing).toMatchObject({ steps: 18, samples: 18 });
    expect(Object.keys(result.state)).toContain('ema:w');
    expect(written.join('')).not.toContain('\x1b');
  });

  it('gives the same bytes with several steps a run', async () => {
    const [one, four] = [newDirectory(), newDirectory()];
    const evaluation = { every: 8, run: async () => ({}) };
    const result = await run({ directory: one, evaluation });
    const stacked = await run({ directory: four, step: fakeStep(4), checkpointEvery: 4, evaluation });
    expect(bytes(four, 20)).toBe(bytes(one, 20));
    expect(stacked.losses).toEqual(result.losses);
    await expect(run({ step: fakeStep(3) })).rejects.toThrow('expected totalSteps to be a multiple of stepsPerRun (3), got 20');
    await expect(run({ step: fakeStep(4), checkpointEvery: 6 })).rejects.toThrow(
      'expected checkpointEvery to be a multiple of stepsPerRun (4), got 6',
    );
  });

  it('does not go on from a step that several steps a run would carry past its end', async () => {
    const directory = newDirectory();
    await run({ directory, checkpointEvery: 5, totalSteps: 15 });
    await expect(run({ directory, step: fakeStep(4) })).rejects.toThrow(
      /expected the step of .*step-00000015\.safetensors to be a multiple of stepsPerRun \(4\), got 15; compile the step for a divisor/,
    );
    await expect(run({ directory, totalSteps: 10 })).rejects.toThrow(
      /step-00000015\.safetensors lies behind the last step, 10: name another/,
    );
    expect(checkpoints(directory)).toEqual(['step-00000010.safetensors', 'step-00000015.safetensors']);
  });

  it('skips a broken newest checkpoint by name and ends with the same bytes', async () => {
    const [whole, broken] = [newDirectory(), newDirectory()];
    const reference = await run({ directory: whole, checkpointEvery: 5 });
    await run({ directory: broken, checkpointEvery: 5, totalSteps: 15 });
    truncateSync(checkpoint(broken, 15), 300);
    const result = await run({ directory: broken, checkpointEvery: 5 });
    expect(result.resumedFrom).toBe(10);
    expect(result.losses).toEqual(reference.losses);
    expect(written.join('')).toMatch(
      /skipped the broken checkpoint .*step-00000015\.safetensors: .*\n.*continuing from step 10 \(step-00000010/,
    );
    expect(bytes(broken, 20)).toBe(bytes(whole, 20));
    expect(checkpoints(broken)).toEqual(checkpoints(whole));
    // a flipped bit in the data is found by the checksum
    const file = readFileSync(checkpoint(broken, 20));
    file[file.length - 1]! ^= 1;
    writeFileSync(checkpoint(broken, 20), file);
    expect((await run({ directory: broken, checkpointEvery: 5 })).resumedFrom).toBe(15);
    expect(bytes(broken, 20)).toBe(bytes(whole, 20));
  });

  it('returns a finished run as it is', async () => {
    const directory = newDirectory();
    const first = await run({ directory });
    const again = await run({ directory });
    expect(again).toMatchObject({ status: 'finished', step: 20, resumedFrom: 20, losses: first.losses });
  });

  it('refuses a checkpoint of another configuration or state, with the difference', async () => {
    const directory = newDirectory();
    await run({ directory });
    await expect(run({ directory, config: { width: 8 } })).rejects.toThrow(
      /step-00000020\.safetensors was made by another configuration \(checkpoint -> now\): config\.width: 4 -> 8\./,
    );
    await expect(run({ directory, seed: 2 })).rejects.toMatchObject({ code: 'config-differs', values: { differences: ['seed: 1 -> 2'] } });
    const initialState = Object.fromEntries(Object.entries(fakeState()).filter(([name]) => name !== 'ema:w'));
    await expect(run({ directory, initialState: () => initialState })).rejects.toThrow(
      /does not fit this training step \(checkpoint -> now\): ema:w: \[1\] -> absent/,
    );
  });

  it('stops at a loss that is not finite, naming step, samples and the way back', async () => {
    const directory = newDirectory();
    const batches = () =>
      localBatches(async (step) =>
        step === 12 ? { ...(await fakeBatch(step)), inputs: { x: { data: Float32Array.of(NaN), shape: [1] } } } : fakeBatch(step),
      );
    await expect(run({ directory, checkpointEvery: 5, batches: batches() })).rejects.toMatchObject({
      code: 'non-finite',
      values: { step: 13, indices: [120], checkpoint: checkpoint(directory, 10) },
    });
    expect(checkpoints(directory)).toEqual(['step-00000005.safetensors', 'step-00000010.safetensors']);
    await expect(run({ batches: batches(), step: fakeStep(4) })).rejects.toThrow(
      'The loss of fake is NaN at step 13, on samples 120; no checkpoint was written before it.',
    );
  });

  it('stops before it measures what is not finite, and at a measure that is none', async () => {
    const directory = newDirectory();
    let measured = 0;
    const evaluation = (value: number) => ({ every: 5, run: async () => (measured++, { quality: measured > 1 ? value : 1 }) });
    await expect(run({ directory, evaluation: evaluation(NaN) })).rejects.toMatchObject({
      code: 'non-finite',
      values: { step: 5, key: 'quality' },
    });
    const broken = { ...fakeState(), 'p:w': { data: Float32Array.of(NaN), shape: [1] } };
    await expect(run({ evaluation: evaluation(1), initialState: () => broken })).rejects.toMatchObject({
      code: 'non-finite',
      values: { step: 0 },
    });
    expect(measured).toBe(2);
  });

  it('says once that the loss has jumped and stayed, and keeps the checkpoint from before', async () => {
    const directory = newDirectory();
    // The weight stays at 0.5: the loss is (0.5 x - 3 x)^2, 6.25 and from step 121 on 100.
    const batches = () =>
      localBatches(async (step) => ({
        ...(await fakeBatch(step)),
        inputs: { x: { data: Float32Array.of(step < 120 ? 1 : 4), shape: [1] } },
      }));
    const options = { directory, checkpointEvery: 40, learningRate: () => 0 };
    await run({ ...options, batches: batches(), totalSteps: 280 });
    const warning =
      'the loss has risen from 6.25 (around step 50) to 13.8: this run has probably diverged, and a lower learning rate may be the cure. The checkpoint of step 120, from before, is kept.';
    expect(written.join('').split(warning)).toHaveLength(2);
    expect(checkpoints(directory)).toEqual([120, 240, 280].map((step) => `step-${String(step).padStart(8, '0')}.safetensors`));
    await run({ ...options, batches: batches(), totalSteps: 360 });
    expect(checkpoints(directory)).toEqual([120, 320, 360].map((step) => `step-${String(step).padStart(8, '0')}.safetensors`));
  });

  it('never saves a state that is not finite', async () => {
    const directory = newDirectory();
    const step = fakeStep();
    const inner = step.run.bind(step);
    let runs = 0;
    step.run = async (inputs) => {
      const outputs = await inner(inputs);
      if (++runs === 10) step.state = { ...step.state, 'p:w': { data: Float32Array.of(Infinity), shape: [1] } };
      return outputs;
    };
    await expect(run({ directory, checkpointEvery: 5, step })).rejects.toThrow(
      /not finite after step 10, first in p:w; it was not saved, and the last finite checkpoint is .*step-00000005/,
    );
    expect(checkpoints(directory)).toEqual(['step-00000005.safetensors']);
  });

  it('says in one paragraph that the disk is full, and loses nothing', async () => {
    const directory = newDirectory();
    const real = vi.mocked(coreBlocks.writeSafetensors).getMockImplementation()!;
    vi.mocked(coreBlocks.writeSafetensors)
      .mockImplementationOnce(real)
      .mockImplementationOnce(() => {
        const cause = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
        throw new coreBlocks.CoreBlocksError('file-write', 'cannot write', {}, cause);
      });
    const failed = run({ directory, checkpointEvery: 5 });
    await expect(failed).rejects.toMatchObject({ code: 'disk-full', values: { step: 10, last: 5 } });
    await expect(failed).rejects.toThrow(
      /^The disk is full: the checkpoint of step 10 \(0\.0 MB\) could not be written to .*\. Nothing older is lost: step-00000005\.safetensors is intact\. Free some space .* continues from step 5\.$/,
    );
    const whole = newDirectory();
    await run({ directory: whole, checkpointEvery: 5 });
    expect((await run({ directory, checkpointEvery: 5 })).resumedFrom).toBe(5);
    expect(bytes(directory, 20)).toBe(bytes(whole, 20));
  });

  it('closes its batches whatever happens and passes errors of evaluations on', async () => {
    const close = vi.fn(async () => {});
    await expect(
      run({
        batches: { ...localBatches(fakeBatch), close },
        evaluation: {
          every: 5,
          run: async () => {
            throw new Error('no metric');
          },
        },
      }),
    ).rejects.toThrow('no metric');
    expect(close).toHaveBeenCalledOnce();
    expect(process.listenerCount('SIGTERM')).toBe(0);
  });
});

describe('a run in a process of its own', () => {
  const script = fileURLToPath(new URL('./testing/killable-run.ts', import.meta.url));
  /** Starts the run and, if asked to, signals it once the log has `signalAt` lines. */
  const start = async (
    directory: string,
    { delay = 0, signal, signalAt = 0 }: { delay?: number; signal?: NodeJS.Signals; signalAt?: number } = {},
  ) => {
    const child = spawn(process.execPath, ['--conditions=controllab', '--import', 'tsx', script, directory, String(delay)], {
      env: { ...process.env, FORCE_COLOR: '1' },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const poll =
      signal &&
      setInterval(() => {
        let lines = 0;
        try {
          lines = readFileSync(path.join(directory, 'log.jsonl'), 'utf8').split('\n').length - 1;
        } catch {
          /* not there yet */
        }
        if (lines >= signalAt) {
          clearInterval(poll);
          child.kill(signal);
        }
      }, 5);
    const [code, by] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => child.on('close', (...end) => resolve(end)));
    return { code, by, output };
  };

  it('killed and called again gives the bytes of an uninterrupted one', async () => {
    const [whole, killed] = [newDirectory(), newDirectory()];
    expect(await start(whole)).toMatchObject({
      code: 0,
      output: expect.stringContaining('finished 60 from null with 60 losses') as string,
    });
    expect(await start(killed, { delay: 60, signal: 'SIGKILL', signalAt: 23 })).toMatchObject({ by: 'SIGKILL' });
    const resumed = await start(killed);
    expect(resumed).toMatchObject({
      code: 0,
      output: expect.stringMatching(/continuing from step \d+ .*\n[^]*finished 60 from \d+ with 60 losses/) as string,
    });
    expect(resumed.output).not.toContain('\x1b');
    expect(bytes(killed, 60)).toBe(bytes(whole, 60));
    const losses = (directory: string) => log(directory).map(({ step, loss }) => [step, loss]);
    expect(losses(killed)).toEqual(losses(whole));
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('on %s finishes the step, writes a checkpoint and exits cleanly', async (signal) => {
    const [whole, stopped] = [newDirectory(), newDirectory()];
    await start(whole);
    const { code, output } = await start(stopped, { delay: 60, signal, signalAt: 12 });
    expect(code).toBe(0);
    expect(output).toContain(`${signal}: finishing this step, then writing a checkpoint`);
    const [, step] = new RegExp(`${signal}: stopped after step (\\d+); run the same command again to continue from step-`).exec(output)!;
    expect(output).toContain(`interrupted ${step} from null`);
    expect(checkpoints(stopped)).toContain(path.basename(checkpoint(stopped, Number(step))));
    expect((await start(stopped)).output).toContain(`finished 60 from ${step} with 60 losses`);
    expect(bytes(stopped, 60)).toBe(bytes(whole, 60));
  });
});

describe('a run whose log is damaged', () => {
  const evaluation = { every: 10, run: async ({ step }: { step: number }) => ({ at: step }) };
  const options = (directory: string) => ({ directory, checkpointEvery: 5, evaluation });
  const lines = (directory: string) => readFileSync(path.join(directory, 'log.jsonl'), 'utf8').split('\n').slice(0, -1);

  it.each<[string, (file: string) => void, resumedFrom: number | null]>([
    ['has lost it', (file) => rmSync(file), null],
    ['has lost its last line', (file) => writeFileSync(file, `${readFileSync(file, 'utf8').split('\n').slice(0, -2).join('\n')}\n`), 15],
    ['has lost a line in the middle', (file) => writeFileSync(file, readFileSync(file, 'utf8').replace(/^\{"step":3,.*\n/m, '')), null],
    [
      'has another loss in a late line',
      (file) => writeFileSync(file, readFileSync(file, 'utf8').replace('"step":18,"loss":', '"step":18,"loss":1')),
      15,
    ],
  ])('computes again what it %s, says so, and ends with the same result', async (_, damage, resumedFrom) => {
    const directory = newDirectory();
    const whole = await run(options(directory));
    const [before, end] = [lines(directory).length, bytes(directory, 20)];
    damage(path.join(directory, 'log.jsonl'));
    const again = await run(options(directory));
    expect(again).toMatchObject({ status: 'finished', resumedFrom, losses: whole.losses, evaluations: whole.evaluations });
    expect(written.join('')).toMatch(/skipped the broken checkpoint .*step-00000020\.safetensors: lines of the log .* are computed again/);
    expect(lines(directory)).toHaveLength(before);
    expect(bytes(directory, 20)).toBe(end);
    expect((await run(options(directory))).resumedFrom).toBe(20);
  });
});

describe('two runs in one directory', () => {
  it('are refused while the first one runs, with who it is and the way on', async () => {
    const directory = newDirectory();
    let second: Promise<unknown> | null = null;
    const evaluation = {
      every: 10,
      run: async () => {
        second ??= run({ directory }).catch((error: unknown) => error);
        await second;
        return {};
      },
    };
    await run({ directory, evaluation });
    expect(await second).toMatchObject({
      name: 'TrainingError',
      code: 'locked',
      message: expect.stringMatching(
        new RegExp(`^fake: process ${process.pid} is at work in .*checkpoints\\. Wait for it, or stop it; if .* remove /.*/lock-`),
      ) as string,
    });
    expect(log(directory)).toHaveLength(23);
    expect(checkpoints(directory)).toEqual(['step-00000020.safetensors']);
  });

  it('of which one was killed do not stand in each other’s way', async () => {
    const directory = newDirectory();
    mkdirSync(path.join(directory, 'checkpoints'));
    const dead = { host: hostname(), space: readlinkSync('/proc/self/ns/pid'), pid: process.pid, started: 'another boot/1' };
    writeFileSync(path.join(directory, 'checkpoints', 'lock-00000000-0000-4000-8000-0000000000de'), JSON.stringify(dead));
    expect((await run({ directory })).status).toBe('finished');
  });
});

describe('a directory that cannot be written to', () => {
  it('is named in a sentence: a file in its place', async () => {
    const file = path.join(newDirectory(), 'file');
    writeFileSync(file, '');
    await expect(run({ directory: path.join(file, 'run') })).rejects.toMatchObject({
      code: 'not-writable',
      message: `fake cannot keep its checkpoints. ${file}/run/checkpoints: a file lies where a folder is needed. Name another place, or move the file away.`,
    });
  });

  it('is named in a sentence: read-only', async () => {
    const directory = newDirectory();
    const cause = Object.assign(new Error('EROFS'), { code: 'EROFS', path: directory });
    const acquire = vi.spyOn(Lock, 'acquire').mockRejectedValueOnce(cause);
    await expect(run({ directory })).rejects.toMatchObject({
      code: 'not-writable',
      message: `fake cannot keep its checkpoints. ${directory}: the file system is read-only. Name a folder that can be written to.`,
    });
    acquire.mockRestore();
  });
});
