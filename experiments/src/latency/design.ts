import { uniform } from '@controllab/core-blocks';
import type { HostTensor, TensorSpec } from '@controllab/tfjs-onnx';
import { families, type Family, type Method } from '../parameters/families.ts';

/** A base model at the size it is timed at. */
export interface Target {
  family: 'sd15' | 'sdxl' | 'svd';
  /** Of the picture, in pixels. */
  height: number;
  width: number;
  /** Of a video. */
  frames?: number;
}

export interface Profile {
  targets: readonly Target[];
  /** Every round times every method once, each in a process of its own. */
  rounds: number;
  /** Steps before those that count: the first ones fetch memory. */
  warmUp: number;
  steps: number;
}

export const profiles = {
  quick: { targets: [{ family: 'sd15', height: 256, width: 256 }], rounds: 3, warmUp: 1, steps: 3 },
  standard: {
    targets: [
      { family: 'sd15', height: 512, width: 512 },
      { family: 'sdxl', height: 512, width: 512 },
      { family: 'svd', height: 256, width: 512, frames: 4 },
    ],
    rounds: 3, warmUp: 2, steps: 3,
  },
  paper: {
    targets: [
      { family: 'sd15', height: 512, width: 512 },
      { family: 'sdxl', height: 1024, width: 1024 },
      { family: 'svd', height: 576, width: 1024, frames: 14 },
    ],
    rounds: 5, warmUp: 3, steps: 10,
  },
} as const satisfies Record<string, Profile>;

/** Steps of PyTorch in a round: it takes several times as long, and its steps hardly differ. */
export const PEER_STEPS = { warmUp: 1, steps: 1 } as const;

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
      const numbers = uniform(SEED, `latency/${name}`, 0, size);
      return [name, { data: name === 'condition' ? numbers : numbers.map((u) => Math.sqrt(12) * (u - 0.5)), shape }];
    }),
  );
}

/** "SD1.5, 512 × 512 pixels". */
export const settingOf = ({ height, width, frames }: Target): string => `${frames === undefined ? '' : `${frames} frames of `}${height} × ${width} pixels`;
