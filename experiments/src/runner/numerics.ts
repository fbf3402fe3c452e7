import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
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

/** Widest first. */
const INSTRUCTION_SETS = ['amx_int8', 'avx512f', 'avx2', 'avx', 'sse4_2'] as const;

/** The widest vector instructions of this processor, such as `avx512f`; elsewhere than on Linux the architecture's name. */
export function instructionSet(): string {
  try {
    const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(/\s+/) ?? []);
    return INSTRUCTION_SETS.find((name) => flags.has(name)) ?? process.arch;
  } catch {
    return process.arch;
  }
}

/** The processor's name, or its architecture where the system tells none. */
export const processor = (): string => os.cpus()[0]?.model.trim() || process.arch;

const versionOf = (name: string): string => {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string };
  return `${name} ${version}`;
};

/** @param tfjs the backend that eager functions run on; null where the engine compiles */
export function numericsOf({ provider = 'cpu', threads = os.cpus().length }: CompileOptions, tfjs: TfjsBackend | null): Numerics {
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
