import type { Option } from 'commander';
import type { Json } from '@controllab/data';
import type { Provenance, Report, Table, TrainingProvenance } from '@controllab/report';
import type { CompileOptions, NetworkRun } from '@controllab/tfjs-onnx';
import type { Numerics } from './numerics.ts';
import type { Store } from './store.ts';

/** What a job is run with. */
export interface JobContext<P> {
  readonly profile: P;
  readonly profileName: string;
  /** The first seed; a profile of several takes consecutive ones. */
  readonly seed: number;
  /** The values of the job's own options. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly engine: CompileOptions;
  readonly numerics: Numerics;
  readonly store: Store;
  say(message: string): void;
  /** A value that is computed once a run, by its name: a run that was killed continues behind the last one. */
  stage<T>(name: string, compute: () => Promise<T>): Promise<T>;
}

/** A part of a job that can be computed by itself, in another process or on another machine that shares the store. */
export interface Task {
  readonly id: string;
  readonly label: string;
  /** Of its work, in a unit that the job's tasks share; without one it is begun last. */
  readonly cost?: number;
  /** Tasks whose results it goes on from, by id. It computes what of them is missing itself, or waits for who does. */
  readonly after?: readonly string[];
  /** Whether the store has it. */
  done(): boolean;
  /** @throws Interrupted when a signal stopped it; the next call continues */
  run(): Promise<void>;
}

/** Where a training was computed. Whether this run did it or found it, the runner tells by when it was finished. */
export type TrainingSource = Omit<TrainingProvenance, 'cached'>;

/** What a report says of where its numbers come from, beside what the runner knows itself. */
export interface Sources extends Pick<Provenance, 'weightsHash' | 'datasetHash' | 'networks'> {
  readonly trainings?: readonly TrainingSource[];
}

/**
 * What the runner runs: an experiment, a table, a measurement. Flags, locks, signals, stages, provenance, the terminal's tables and the
 * report's folder are the runner's; the job says what is computed and what is shown of it.
 */
export interface Job<P = unknown, R = unknown> {
  /** a-z, 0-9 and "-": its command, its folder under reports/. */
  readonly id: string;
  readonly description: string;
  /** By name; the first is the default. */
  readonly profiles: Readonly<Record<string, P>>;
  /** Options of its own. */
  readonly options?: readonly Option[];
  /** Whether a seed changes what it computes: it then has --seed, and the seed stands in its report's folder. */
  readonly seeded: boolean;
  /** `onnx`: it has --provider; `onnx or tfjs`: --engine too; null: it computes nothing that an engine runs. */
  readonly engines: 'onnx' | 'onnx or tfjs' | null;
  /** Whether a finished run is measured anew by the next (times; with --fresh an interrupted one too), or kept (what a seed decides). */
  readonly anew?: boolean;
  /** Trainings in a profile: from two on, one thread each, as many at a time as there are cores. */
  trainings?(profile: P): number;
  /** What a profile costs and what it can see, said before anything is computed; `flags` are its own options and `seed`. */
  plan?(profile: P, flags: Readonly<Record<string, unknown>>): readonly string[];
  /** What values of its own options make of a profile; itself where none is given. */
  chosen?(profile: P, flags: Readonly<Record<string, unknown>>): P;
  /**
   * Before anything is opened.
   * @throws ExperimentError invalid-option for values of its own options that make no sense together; RangeError for a declaration that
   * names what there is not
   */
  check?(at: { profile: P; profileName: string; flags: Readonly<Record<string, unknown>> }): void;
  /** What decides its stages, beside profile, seed, own options and numerics. */
  identity?(at: JobContext<P>): Json;
  tasks?(at: JobContext<P>): Promise<readonly Task[]>;
  run(at: JobContext<P>): Promise<R>;
  /** What the terminal shows of a result. */
  tables?(result: R): readonly Table[];
  report(result: R, at: JobContext<P>): Omit<Report, 'id' | 'provenance'> | Promise<Omit<Report, 'id' | 'provenance'>>;
  /** @param runs the networks that ran for the result: without `networks` of its own, the report lists them all */
  sources(result: R, runs: readonly NetworkRun[]): Sources;
}
