import { uniform } from '@controllab/data';
import type { HostTensor, TensorSpec } from '@controllab/tfjs-onnx';
import { families, type Family, type Method } from './families.ts';

/** A base model at the size it is timed at. */
export interface Target {
  family: 'sd15' | 'sdxl' | 'svd';
  /** Of the picture, in pixels. */
  height: number;
  width: number;
  /** Of a video. */
  frames?: number;
}

/** The base model and the methods of the paper's table, ControlNeXt with its current and its legacy module. */
export const METHODS = ['base', 'controlnet', 'controlnext', 'controlnext-legacy'] as const;
export type MethodId = (typeof METHODS)[number];

export const familyOf = ({ family }: Target): Family => families().find(({ id }) => id === family)!;

/** null for the base model. */
export const methodOf = (family: Family, id: MethodId): Method | null => family.methods.find((method) => method.id === id) ?? null;

/** Pixels per latent along a side. */
const FACTOR = 8;

/** What one step reads, at the target's size; the base model sees no condition. */
export function inputsOf(family: Family, { height, width, frames }: Target, id: MethodId): Record<string, TensorSpec> {
  const sized = ({ shape }: TensorSpec, side: number): TensorSpec => {
    const leading = shape.slice(0, -2);
    if (frames !== undefined) leading[1] = frames;
    return { shape: [...leading, height / side, width / side] };
  };
  const { sample, condition, ...others } = family.inputs as Record<'sample' | 'condition', TensorSpec>;
  return { sample: sized(sample, FACTOR), ...others, ...(id === 'base' ? {} : { condition: sized(condition, 1) }) };
}

const SEED = 1;

/** Numbers for those inputs: a condition in [0, 1), a time step, the rest of unit variance. */
export function exampleInputs(specs: Record<string, TensorSpec>): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape }]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      if (name === 'timesteps') return [name, { data: new Float32Array(size).fill(500), shape }];
      const numbers = uniform(SEED, `full-size/${name}`, 0, size);
      return [name, { data: name === 'condition' ? numbers : numbers.map((u) => Math.sqrt(12) * (u - 0.5)), shape }];
    }),
  );
}

/** "SD1.5, 512 × 512 pixels". */
export const settingOf = ({ height, width, frames }: Target): string =>
  `${frames === undefined ? '' : `${frames} frames of `}${height} × ${width} pixels`;
