import { ARCHITECTURES, type Architecture } from '@controllab/base-model';
import { conditionSpec, type Denoiser } from '@controllab/core-blocks';
import { uniform } from '@controllab/data';
import type { HostTensor, TensorSpec } from '@controllab/tfjs-onnx';

/** The base models of ControlNeXt's tables. */
export const PAPER_FAMILIES = ['sd15', 'sdxl', 'svd'] as const;
export type PaperFamily = (typeof PAPER_FAMILIES)[number];

/** A base model at the size it is timed at. */
export interface Target {
  family: PaperFamily;
  /** Of the picture, in pixels. */
  height: number;
  width: number;
  /** Of a video. */
  frames?: number;
}

/** Pixels per latent along a side, of all of them. */
const FACTOR = 8;

export const architectureOf = ({ family }: Target): Architecture => ARCHITECTURES.find(({ id }) => id === family)!;

/** The base model at the target's size. */
export const denoiserOf = (target: Target): Denoiser => {
  const { height, width, frames } = target;
  const size = { height: height / FACTOR, width: width / FACTOR, ...(frames === undefined ? {} : { frames }) };
  return architectureOf(target).denoiser(size);
};

/** What one step under control reads at batch 1: the denoiser's inputs and the condition. */
export function controlledInputs(denoiser: Denoiser): Record<string, TensorSpec> {
  const inputs = denoiser.inputs(1);
  return { ...inputs, condition: conditionSpec(denoiser.target, inputs['sample']!) };
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
