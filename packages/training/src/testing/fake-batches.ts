import type { MakeBatch } from '../batch.ts';
import { fakeBatch } from './fake-step.ts';

interface FakeBatchOptions {
  failAt?: number;
  exitAt?: number;
  hangAt?: number;
  shared?: boolean;
}

const table = new Float32Array(64).map((_, i) => i);
let reused: Float32Array | undefined;

/** Batches for the worker tests: ordinary ones, or one that throws, ends the worker, never comes, or hands out views and used arrays. */
export default ({ failAt = -1, exitAt = -1, hangAt = -1, shared = false }: FakeBatchOptions): MakeBatch =>
  async (step) => {
    if (step === failAt) throw new RangeError(`no sample for step ${step}`);
    if (step === exitAt) process.exit(7);
    if (step === hangAt) for (;;);
    if (shared) return { inputs: { x: { data: table.subarray(step, step + 2), shape: [2] } }, indices: [step] };
    if (failAt === -2) return { inputs: { x: { data: (reused ??= new Float32Array(2)), shape: [2] } }, indices: [step] };
    return fakeBatch(step);
  };
