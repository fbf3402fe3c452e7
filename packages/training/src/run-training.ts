import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { heldText, Lock, systemProblem, type Json } from '@controllab/data';
import type { CompiledFunction, HostTensor } from '@controllab/tfjs-onnx';
import type { Batch, BatchSource } from './batch.ts';
import { checkpointFolder, checkpointSteps, newestCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { TrainingError } from './errors.ts';
import type { LearningRate } from './learning-rate.ts';
import { LossWatch, type LossRise } from './loss-watch.ts';
import { optimizerInputs, type OptimizerSettings } from './optimizer-inputs.ts';
import { Progress, type ProgressOutput } from '@controllab/report';
import { TrainingLog, type LogLine } from './training-log.ts';

/** A compiled step whose state is p:NAME, m:NAME, v:NAME (and ema:NAME), with a scalar output `loss`; see `compileTrainStep`. */
export type TrainStep = Pick<CompiledFunction, 'run' | 'state' | 'stepsPerRun'> & { optimizer: OptimizerSettings };

/** Numbers are shown as they come; arrays (one value an image, say) and texts (a picture as base64) are only logged. */
export type EvaluationValues = Record<string, number | string | readonly number[]>;

export interface Evaluation {
  /** Runs before the first step, after every `every` steps, and after the last. Its time counts nowhere. */
  every: number;
  run(context: { step: number; state: Record<string, HostTensor> }): Promise<EvaluationValues>;
}

export interface TrainingOptions {
  /** Names the run in messages. */
  name: string;
  /** With K = step.stepsPerRun > 1, all counts of steps below must be multiples of K, and that of a checkpoint that it goes on from. */
  step: TrainStep;
  /**
   * State of step 0, see `initialTrainState`; a run that resumes takes its checkpoint's instead. Asked for once, and not kept: of a large
   * network it is as much memory as the weights three times over.
   */
  initialState(): Record<string, HostTensor>;
  batches: BatchSource;
  totalSteps: number;
  learningRate: LearningRate;
  seed: number;
  /** What identifies this run: a checkpoint made with anything else here (or another seed) is refused. */
  config: Json;
  /** Run directory for log.jsonl and checkpoints/; without one nothing is written and nothing can resume. */
  directory?: string;
  /** Steps between checkpoints; one is always written at the end. */
  checkpointEvery?: number;
  /** Newest checkpoints that are kept, at least 2, beside the newest of before the loss rose; 2. */
  keptCheckpoints?: number;
  /** Told of every line of the log: of those before a resume at once, then as they come. Its time counts nowhere. */
  onRecord?(lines: readonly LogLine[]): void | Promise<void>;
  evaluation?: Evaluation;
  output?: ProgressOutput;
}

export interface TrainingResult {
  /** `interrupted`: SIGINT, SIGTERM or SIGHUP came; the same call continues from the checkpoint. */
  status: 'finished' | 'interrupted';
  /** Steps done. */
  step: number;
  resumedFrom: number | null;
  /** The newest checkpoint, null without a directory. */
  checkpoint: string | null;
  state: Record<string, HostTensor>;
  /** Of all steps, those before a resume included (from the log). `step` counts from 1: the state after that many steps. */
  losses: { step: number; loss: number }[];
  evaluations: { step: number; values: EvaluationValues }[];
  /** Of this process, without its first two calls (2-4 times slower), evaluations and checkpoints. */
  timing: Timing;
}

export interface Timing {
  steps: number;
  samples: number;
  seconds: number;
  samplesPerSecond: number;
  /** Share of the time in which the engine waited for data. */
  waitShare: number;
}

/** The first calls allocate and warm up. */
const UNTIMED_RUNS = 2;
/** A closed terminal (SIGHUP) must cost no more than Ctrl-C. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Steps averaged for the displayed loss. */
const DISPLAYED_LOSSES = 20;

/**
 * The training loop: feeds batches and schedules to a compiled step, logs, evaluates, writes checkpoints, resumes.
 * A run that was killed and called again gives the bytes of an uninterrupted one.
 * SIGINT, SIGTERM and SIGHUP let the step finish, write a checkpoint and return `interrupted`; a second signal ends the process at once.
 * One process at a time trains in a directory. Closes `batches`. Throws TrainingError: `locked`, `not-writable`, `non-finite`, `disk-full`,
 * `config-differs`, `state-differs`, `batch-failed`, `batch-worker-died`, `batch-worker-hangs`, `invalid-options`.
 */
export async function runTraining(options: TrainingOptions): Promise<TrainingResult> {
  const progress = new Progress(options.output ?? process.stdout, { name: options.name, plain: 'seconds' });
  let signal: NodeJS.Signals | null = null;
  const onSignal = (received: NodeJS.Signals) => {
    signal = received;
    stopListening();
    progress.message(
      `${received}: finishing this step${options.directory === undefined ? '' : ', then writing a checkpoint'}; again to stop at once`,
    );
  };
  const stopListening = () => {
    for (const s of SIGNALS) process.off(s, onSignal);
  };
  for (const s of SIGNALS) process.on(s, onSignal);
  let lock: Lock | null = null;
  try {
    if (options.directory !== undefined) lock = await lockRun(options.name, options.directory);
    return await train(options, progress, () => signal);
  } finally {
    lock?.release();
    stopListening();
    progress.end();
    await options.batches.close();
  }
}

/** Two processes in one directory would write one log: the second is told who is there. */
async function lockRun(name: string, directory: string): Promise<Lock> {
  const folder = checkpointFolder(directory);
  let lock;
  try {
    mkdirSync(folder, { recursive: true });
    lock = await Lock.acquire(folder);
  } catch (error) {
    const problem = systemProblem(error);
    if (problem === null) throw error;
    throw new TrainingError('not-writable', `${name} cannot keep its checkpoints. ${problem}`, { directory }, { cause: error });
  }
  if (lock instanceof Lock) return lock;
  throw new TrainingError('locked', `${name}: ${heldText(folder, lock)}`, { directory, ...lock.owner });
}

/** What the progress line says of the last steps; that the engine waits for data only where it does. */
function progressText(
  step: string,
  { loss, samplesPerSecond, waitShare }: Record<'loss' | 'samplesPerSecond' | 'waitShare', number>,
): string {
  const wait = waitShare >= 0.01 ? `  waiting for data ${(100 * waitShare).toFixed(0)}%` : '';
  return `step ${step}  ${samplesPerSecond.toFixed(1)} samples/s  loss ${loss.toPrecision(4)}${wait}`;
}

async function train(options: TrainingOptions, progress: Progress, receivedSignal: () => NodeJS.Signals | null): Promise<TrainingResult> {
  const {
    name,
    step: compiled,
    batches,
    totalSteps,
    learningRate,
    seed,
    directory,
    checkpointEvery,
    keptCheckpoints,
    evaluation,
  } = options;
  const { stepsPerRun } = compiled;
  checkMultiples({ stepsPerRun, totalSteps, checkpointEvery, 'evaluation.every': evaluation?.every });
  const config: Json = { config: options.config, seed };
  const checkpoints = directory === undefined ? undefined : checkpointFolder(directory);
  const log = directory === undefined ? null : new TrainingLog(path.join(directory, 'log.jsonl'));

  const resumed =
    checkpoints === undefined
      ? null
      : resume(
          options,
          newestCheckpoint(checkpoints, config, {
            holds: (mark) => log!.holds(mark),
            onBroken: (file, reason) => progress.message(`skipped the broken checkpoint ${file}: ${reason}`),
          }),
          progress,
        );
  if (resumed === null) compiled.state = options.initialState();
  const resumedFrom = resumed?.step ?? null;
  let newest = resumed?.file;
  let step = resumedFrom ?? 0;

  const losses: TrainingResult['losses'] = [];
  const watch = new LossWatch();
  let diverged = false;
  const evaluations: TrainingResult['evaluations'] = [];
  const record = async (lines: readonly LogLine[]): Promise<void> => {
    for (const line of lines) {
      if ('loss' in line) {
        losses.push({ step: line.step, loss: line.loss });
        const rise = watch.add(line.step, line.loss);
        if (rise !== null && !diverged) reportRise(rise);
        // Said again only of a run that had come back.
        diverged = rise !== null || (diverged && !watch.isSound(line.step));
      } else evaluations.push({ step: line.step, values: line.evaluation });
    }
    await options.onRecord?.(lines);
  };
  const reportRise = ({ mean, lowest }: LossRise) => {
    const sound = checkpoints === undefined ? undefined : checkpointSteps(checkpoints).find((s) => watch.isSound(s));
    progress.message(
      `the loss has risen from ${lowest.mean.toPrecision(3)} (around step ${lowest.step}) to ${mean.toPrecision(3)}: this run has probably diverged, and a lower learning rate may be the cure. ${
        sound === undefined ? 'No checkpoint was written before it' : `The checkpoint of step ${sound}, from before, is kept`
      }.`,
    );
  };
  await record(log?.continueFrom(resumed?.log ?? '') ?? []);

  const evaluate = async () => {
    // What it would compute of a broken state fails in words of its own, each time that it is tried again.
    checkFinite(name, step, compiled.state, newest);
    const values = await evaluation!.run({ step, state: compiled.state });
    checkMeasured(name, step, values, newest);
    const line: LogLine = { step, evaluation: values, time: new Date().toISOString() };
    log?.append([line]);
    await record([line]);
    const numbers = Object.entries(values).flatMap(([key, value]) =>
      typeof value === 'number' ? [`${key} ${Number(value.toPrecision(4))}`] : [],
    );
    if (numbers.length > 0) progress.message(`step ${step}: ${numbers.join('  ')}`);
  };
  const save = () => {
    if (checkpoints === undefined) return;
    checkFinite(name, step, compiled.state, newest);
    log!.sync();
    const isSound = (s: number): boolean => watch.isSound(s);
    const made = { step, state: compiled.state, log: log!.mark, seed, config, isSound, kept: keptCheckpoints };
    newest = writeCheckpoint(checkpoints, made);
  };

  const timing = { steps: 0, samples: 0, seconds: 0, waited: 0 };
  try {
    if (evaluation !== undefined && step === 0) await evaluate();
    for (let run = 0; step < totalSteps; run++) {
      const start = performance.now();
      const batch = await batches.next(step, stepsPerRun, totalSteps);
      const ready = performance.now();
      const { loss } = await compiled.run({ ...batch.inputs, ...optimizerInputs(compiled.optimizer, learningRate, step, stepsPerRun) });
      const seconds = (performance.now() - start) / 1000;
      const waited = (ready - start) / 1000;
      const samples = batch.indices.reduce((sum, indices) => sum + indices.length, 0);
      if (run >= UNTIMED_RUNS) {
        timing.steps += stepsPerRun;
        timing.samples += samples;
        timing.seconds += seconds;
        timing.waited += waited;
      }

      const lines = checkLosses(name, step, loss, batch, newest).map((value, k): LogLine => ({
        step: step + k + 1,
        loss: value,
        lr: learningRate(step + k),
        samples_per_second: round(samples / seconds),
        wait_share: round(waited / seconds),
        time: new Date().toISOString(),
      }));
      log?.append(lines);
      await record(lines);
      step += stepsPerRun;

      const recent = losses.slice(-DISPLAYED_LOSSES);
      const perStep = timing.steps > 0 ? timing.seconds / timing.steps : seconds / stepsPerRun;
      const text = progressText(`${step}/${totalSteps}`, {
        loss: recent.reduce((sum, l) => sum + l.loss, 0) / recent.length,
        samplesPerSecond: timing.seconds > 0 ? timing.samples / timing.seconds : samples / seconds,
        waitShare: timing.seconds > 0 ? timing.waited / timing.seconds : waited / seconds,
      });
      progress.update({ text, done: step, total: totalSteps, secondsLeft: (totalSteps - step) * perStep });

      // before the checkpoint: what a resumed run skips must be in the log
      if (evaluation !== undefined && (step % evaluation.every === 0 || step === totalSteps)) await evaluate();
      await new Promise((resolve) => setImmediate(resolve)); // the only place where a signal gets through
      const stop = receivedSignal() !== null && step < totalSteps;
      if (stop || step === totalSteps || (checkpointEvery !== undefined && step % checkpointEvery === 0)) save();
      if (stop) {
        progress.message(
          `${receivedSignal()}: stopped after step ${step}${newest === undefined ? '' : `; run the same command again to continue from ${path.basename(newest)}`}`,
        );
        break;
      }
    }
  } finally {
    log?.close();
  }
  return {
    status: step < totalSteps ? 'interrupted' : 'finished',
    step,
    resumedFrom,
    checkpoint: newest ?? null,
    state: compiled.state,
    losses,
    evaluations,
    timing: {
      steps: timing.steps,
      samples: timing.samples,
      seconds: timing.seconds,
      samplesPerSecond: timing.seconds > 0 ? timing.samples / timing.seconds : NaN,
      waitShare: timing.seconds > 0 ? timing.waited / timing.seconds : NaN,
    },
  };
}

const round = (x: number) => Number(x.toPrecision(4));

/** Sets the step's state to the checkpoint's. @returns where that was, without the state: nothing but the step holds it from now on */
function resume(
  { step, initialState, totalSteps }: TrainingOptions,
  checkpoint: Checkpoint | null,
  progress: Progress,
): Omit<Checkpoint, 'state'> | null {
  if (checkpoint === null) return null;
  const { state, ...at } = checkpoint;
  checkStep(at, step.stepsPerRun, totalSteps);
  checkState(at.file, initialState(), state);
  progress.message(`continuing from step ${at.step} (${path.basename(at.file)})`);
  step.state = state;
  return at;
}

function checkMultiples({ stepsPerRun, ...counts }: { stepsPerRun: number } & Record<string, number | undefined>): void {
  for (const [name, count] of Object.entries({ stepsPerRun, ...counts })) {
    if (count === undefined) continue;
    if (!Number.isInteger(count) || count < 1)
      throw new TrainingError('invalid-options', `Error in runTraining: expected ${name} to be a positive integer, got ${count}`, {
        [name]: count,
      });
    if (count % stepsPerRun !== 0)
      throw new TrainingError(
        'invalid-options',
        `Error in runTraining: expected ${name} to be a multiple of stepsPerRun (${stepsPerRun}), got ${count}`,
        { [name]: count, stepsPerRun },
      );
  }
}

/** From elsewhere the loop would pass evaluations, checkpoints and its own end. */
function checkStep({ file, step }: Pick<Checkpoint, 'file' | 'step'>, stepsPerRun: number, totalSteps: number): void {
  if (step > totalSteps)
    throw new TrainingError(
      'invalid-options',
      `${file} lies behind the last step, ${totalSteps}: name another directory, or remove it to go on from an earlier one`,
      { file, step, totalSteps },
    );
  if (step % stepsPerRun !== 0)
    throw new TrainingError(
      'invalid-options',
      `Error in runTraining: expected the step of ${file} to be a multiple of stepsPerRun (${stepsPerRun}), got ${step}; compile the step for a divisor of both`,
      { file, step, stepsPerRun },
    );
}

function checkState(file: string, expected: Record<string, HostTensor>, got: Record<string, HostTensor>): void {
  const differences = [...new Set([...Object.keys(expected), ...Object.keys(got)])].filter(
    (name) => expected[name]?.shape.join() !== got[name]?.shape.join(),
  );
  if (differences.length === 0) return;
  const show = (tensor: HostTensor | undefined) => (tensor === undefined ? 'absent' : `[${tensor.shape}]`);
  throw new TrainingError(
    'state-differs',
    `${file} does not fit this training step (checkpoint -> now): ${differences
      .slice(0, 12)
      .map((name) => `${name}: ${show(got[name])} -> ${show(expected[name])}`)
      .join('; ')}${differences.length > 12 ? `; and ${differences.length - 12} more` : ''}`,
    { file, differences },
  );
}

const wayBack = (checkpoint: string | undefined) =>
  checkpoint === undefined ? 'no checkpoint was written before it' : `the last finite checkpoint is ${checkpoint}`;

/** The losses of one run; throws at the first that is not finite. */
function checkLosses(
  name: string,
  firstStep: number,
  loss: HostTensor | undefined,
  batch: Batch,
  checkpoint: string | undefined,
): number[] {
  if (loss?.data.length !== batch.indices.length) {
    throw new TrainingError(
      'invalid-options',
      `Error in runTraining: expected the step of ${name} to return ${batch.indices.length} values as 'loss', got ${loss ? `shape [${loss.shape}]` : 'none'}`,
      { shape: loss?.shape ?? null },
    );
  }
  const bad = loss.data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const indices = batch.indices[bad]!;
    throw new TrainingError(
      'non-finite',
      `The loss of ${name} is ${loss.data[bad]} at step ${firstStep + bad + 1}, on samples ${indices.join(', ')}; ${wayBack(checkpoint)}. A smaller learning rate or a longer warm-up usually helps.`,
      { step: firstStep + bad + 1, loss: loss.data[bad], indices, checkpoint: checkpoint ?? null },
    );
  }
  return Array.from(loss.data);
}

/** Finite weights can be so large that nothing finite is measured of them. */
function checkMeasured(name: string, step: number, values: EvaluationValues, checkpoint: string | undefined): void {
  const key = Object.keys(values).find((one) => [values[one]].flat().some((value) => typeof value === 'number' && !Number.isFinite(value)));
  if (key !== undefined)
    throw new TrainingError(
      'non-finite',
      `What is measured of ${name} after step ${step} is not finite, first ${key}; ${wayBack(checkpoint)}. A smaller learning rate or a longer warm-up usually helps.`,
      { step, key, checkpoint: checkpoint ?? null },
    );
}

/** A finite loss can still leave a broken update behind: never let one replace a good checkpoint. */
function checkFinite(name: string, step: number, state: Record<string, HostTensor>, checkpoint: string | undefined): void {
  for (const [tensor, { data }] of Object.entries(state)) {
    let sum = 0; // one NaN or infinity makes the sum one; finite float32 cannot overflow a double
    for (let i = 0; i < data.length; i++) sum += data[i]!;
    if (!Number.isFinite(sum)) {
      throw new TrainingError(
        'non-finite',
        `The state of ${name} holds values that are not finite after step ${step}, first in ${tensor}; it was not saved, and ${wayBack(checkpoint)}.`,
        { step, tensor, checkpoint: checkpoint ?? null },
      );
    }
  }
}
