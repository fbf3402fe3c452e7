import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { heldText, Lock, systemProblem, type Json } from '@controllab/data';
import { Progress, type ProgressOutput } from '@controllab/report';
import type { CompiledFunction, HostTensor } from '@controllab/tfjs-onnx';
import type { BatchSource } from './batch.ts';
import { checkpointFolder, checkpointSteps, newestCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { TrainingError } from './errors.ts';
import type { LearningRate } from './learning-rate.ts';
import type { LossRise } from './loss-watch.ts';
import { optimizerInputs, type OptimizerSettings } from './optimizer-inputs.ts';
import { checkFinite, checkLosses, checkMeasured, checkMultiples, checkState, checkStep } from './run-checks.ts';
import { RunRecord } from './run-record.ts';
import { paceOf, RunTiming, type TimedCall, type Timing } from './run-timing.ts';
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

/** A closed terminal (SIGHUP) must cost no more than Ctrl-C. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

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

/** What is said when a run comes apart. @param sound the step of a checkpoint of before, if there is one */
function riseText({ mean, lowest }: LossRise, sound: number | undefined): string {
  return `the loss has risen from ${lowest.mean.toPrecision(3)} (around step ${lowest.step}) to ${mean.toPrecision(3)}: this run has probably diverged, and a lower learning rate may be the cure. ${
    sound === undefined ? 'No checkpoint was written before it' : `The checkpoint of step ${sound}, from before, is kept`
  }.`;
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

  const record = new RunRecord({
    onRise: (rise) => {
      const sound = checkpoints === undefined ? undefined : checkpointSteps(checkpoints).find((s) => record.isSound(s));
      progress.message(riseText(rise, sound));
    },
    onRecord: options.onRecord,
  });
  await record.add(log?.continueFrom(resumed?.log ?? '') ?? []);

  const evaluate = async () => {
    // What it would compute of a broken state fails in words of its own, each time that it is tried again.
    checkFinite(name, step, compiled.state, newest);
    const values = await evaluation!.run({ step, state: compiled.state });
    checkMeasured(name, step, values, newest);
    const line: LogLine = { step, evaluation: values, time: new Date().toISOString() };
    log?.append([line]);
    await record.add([line]);
    const numbers = Object.entries(values).flatMap(([key, value]) =>
      typeof value === 'number' ? [`${key} ${Number(value.toPrecision(4))}`] : [],
    );
    if (numbers.length > 0) progress.message(`step ${step}: ${numbers.join('  ')}`);
  };
  const save = () => {
    if (checkpoints === undefined) return;
    checkFinite(name, step, compiled.state, newest);
    log!.sync();
    const isSound = (s: number): boolean => record.isSound(s);
    const made = { step, state: compiled.state, log: log!.mark, seed, config, isSound, kept: keptCheckpoints };
    newest = writeCheckpoint(checkpoints, made);
  };

  const timing = new RunTiming();
  try {
    if (evaluation !== undefined && step === 0) await evaluate();
    while (step < totalSteps) {
      const start = performance.now();
      const batch = await batches.next(step, stepsPerRun, totalSteps);
      const ready = performance.now();
      const { loss } = await compiled.run({ ...batch.inputs, ...optimizerInputs(compiled.optimizer, learningRate, step, stepsPerRun) });
      const call: TimedCall = {
        steps: stepsPerRun,
        samples: batch.indices.reduce((sum, indices) => sum + indices.length, 0),
        seconds: (performance.now() - start) / 1000,
        waited: (ready - start) / 1000,
      };
      timing.add(call);

      const pace = paceOf(call);
      const lines = checkLosses(name, step, loss, batch, newest).map((value, k): LogLine => ({
        step: step + k + 1,
        loss: value,
        lr: learningRate(step + k),
        samples_per_second: round(pace.samplesPerSecond),
        wait_share: round(pace.waitShare),
        time: new Date().toISOString(),
      }));
      log?.append(lines);
      await record.add(lines);
      step += stepsPerRun;

      const text = progressText(`${step}/${totalSteps}`, { loss: record.recentLoss(), ...timing.pace() });
      progress.update({ text, done: step, total: totalSteps, secondsLeft: (totalSteps - step) * timing.perStep() });

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
    losses: record.losses,
    evaluations: record.evaluations,
    timing: timing.result(),
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
