import { createRequire } from 'node:module';
import os from 'node:os';
import { instructionSet } from '@controllab/command-line';
import type { CompileOptions, NetworkRun, TfjsBackend } from '@controllab/tfjs-onnx';

/** What decides the last bits of a computation beside its inputs: results of two of these are never taken for one. */
export interface Numerics {
  readonly engine: string;
  readonly provider: string;
  readonly threads: number;
  readonly processor: string;
  /** The widest vector instructions that matrix kernels choose by. */
  readonly instructionSet: string;
  readonly runtime: string;
}

/** The processor's name, or its architecture where the system tells none. */
export const processor = (): string => os.cpus()[0]?.model.trim() || process.arch;

const versionOf = (name: string): string => {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string };
  return `${name} ${version}`;
};

/** @param tfjs the backend that eager functions run on; null where the engine compiles */
export function numericsOf({ provider = 'cpu', threads = os.availableParallelism() }: CompileOptions, tfjs: TfjsBackend | null): Numerics {
  return {
    engine: tfjs === null ? 'onnx' : 'tfjs',
    provider: tfjs === null ? provider : tfjs.backend,
    threads,
    processor: processor(),
    instructionSet: instructionSet(),
    runtime: tfjs === null ? versionOf('onnxruntime-node') : `${versionOf('@tensorflow/tfjs')}, ${tfjs.runtime}`,
  };
}

/** What stands for the engine and provider of networks that ran before a record was kept. */
export const NOT_RECORDED = 'not recorded';

/** What a network ran on, as reports say it: `onnx, onnxruntime-node 1.27.0, cpu, 1 thread`. @param numerics what was asked for */
export function runText({ engine, provider, threads }: NetworkRun, numerics: Pick<Numerics, 'engine' | 'runtime'>): string {
  const version = engine === numerics.engine ? [numerics.runtime] : [];
  const parts = engine === provider ? [engine] : [engine, ...version, provider];
  return [...parts, ...(threads === null ? [] : [`${threads} ${threads === 1 ? 'thread' : 'threads'}`])].join(', ');
}
