import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { uniform, writeAtomic } from '@controllab/data';
import { type Module } from '@controllab/core-blocks';
import type { ConstantTensor } from '@controllab/tfjs-onnx';

/**
 * Random weights without writing gigabytes: one file of numbers, of which every tensor is a stretch. What a step costs does not
 * depend on the numbers as long as they neither vanish nor overflow, and ONNX Runtime copies each tensor into its own layout,
 * so memory is that of weights that are all different.
 */
export interface WeightPool {
  file: string;
  /** Float32 numbers in it. */
  length: number;
}

const SEED = 1;
const BYTES = 4;
/**
 * Uniform in +-BOUND: at the widths of these networks (320 to 23,040 inputs) a layer's result is 0.2 to 1.8 times as large as what it gets.
 */
const BOUND = 0.02;
/** The numbers repeat after this many. A prime, so that rows of a matrix do not repeat with them. */
const PERIOD = 1_048_573;
/** Tensors begin at multiples of a cache line, within this many numbers of the start. */
const LINE = 16;
const STARTS = 1 << 20;

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** FNV-1a. */
function hash(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** Makes the file once, large enough for every tensor of the modules: 122 MB for Stable Diffusion's. */
export async function weightPool(directory: string, modules: readonly Module[]): Promise<WeightPool> {
  const largest = Math.max(...modules.flatMap((module) => [...module.parameters().values()].map(({ shape }) => sizeOf(shape))));
  const length = largest + STARTS;
  const file = path.resolve(directory, `random-weights-${length}.bin`);
  if (!existsSync(file) || statSync(file).size !== BYTES * length) {
    const period = uniform(SEED, 'full-size/weights', 0, PERIOD).map((u) => BOUND * (2 * u - 1));
    const all = new Float32Array(length);
    for (let i = 0; i < length; i += PERIOD) all.set(period.subarray(0, length - i), i);
    await writeAtomic(file, Buffer.from(all.buffer));
  }
  return { file, length };
}

/** Where a tensor begins in the pool, in numbers. */
export const startOf = (name: string): number => (hash(name) % (STARTS / LINE)) * LINE;

/** A module's parameters as stretches of the pool; scales of norms are ones, as in every trained network they are near. */
export function poolWeights(module: Module, { file }: WeightPool): Record<string, ConstantTensor> {
  return Object.fromEntries(
    [...module.parameters()].map(([name, { shape, init }]): [string, ConstantTensor] => {
      const size = sizeOf(shape);
      if (init === 'ones') return [name, { data: new Float32Array(size).fill(1), shape }];
      return [name, { file, offset: BYTES * startOf(name), length: BYTES * size, shape, dtype: 'float32' }];
    }),
  );
}
