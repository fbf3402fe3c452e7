import { ARCHITECTURES, conditionSpec, type Architecture } from '@controllab/base-model';
import type { Control, Denoiser } from '@controllab/core-blocks';
import { controlNet, controlNetLite } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import { uniform } from '@controllab/data';
import type { HostTensor, TensorSpec } from '@controllab/tfjs-onnx';

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

/** A method made for an architecture. */
export interface FullSizeMethod {
  readonly id: 'controlnet' | 'controlnet-lite' | 'controlnext' | 'controlnext-legacy';
  readonly label: string;
  readonly control: Control;
}

/** An architecture with its modules, and all methods that have a recipe for it. */
export interface Family extends Pick<Architecture, 'id' | 'label' | 'setting'> {
  readonly denoiser: Denoiser;
  readonly methods: readonly FullSizeMethod[];
}

/** The legacy modules were released for the three base models of the paper. */
const withLegacy = (id: Architecture['id']): boolean => id !== 'sd21';

function familyFrom({ id, label, setting, denoiser: make }: Architecture): Family {
  const denoiser = make();
  const methods = [controlNet(), controlNetLite(), controlNeXt(), ...(withLegacy(id) ? [controlNeXt({ legacy: true })] : [])];
  return {
    id,
    label,
    setting,
    denoiser,
    methods: methods.map((method) => ({
      id: method.id as FullSizeMethod['id'],
      label: method.label,
      control: method.create(denoiser.target),
    })),
  };
}

export const families = (): Family[] => ARCHITECTURES.map(familyFrom);

export const familyOf = ({ family }: Target): Family => familyFrom(ARCHITECTURES.find(({ id }) => id === family)!);

/** null for the base model. */
export const methodOf = (family: Family, id: MethodId): FullSizeMethod | null => family.methods.find((method) => method.id === id) ?? null;

/** What one step reads at a size, of the architecture's own without one; with a condition for everything but the base model. */
export function stepInputs({ denoiser }: Pick<Family, 'denoiser'>, id: MethodId, target?: Target): Record<string, TensorSpec> {
  const { factor, video } = denoiser.target;
  const own = denoiser.inputs(1, target && { height: target.height / factor, width: target.width / factor });
  const sample = { shape: [...own['sample']!.shape] };
  if (video && target?.frames !== undefined) sample.shape[1] = target.frames;
  return { ...own, sample, ...(id === 'base' ? {} : { condition: conditionSpec(denoiser, sample) }) };
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
