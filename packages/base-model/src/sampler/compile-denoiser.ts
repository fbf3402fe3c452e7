import * as tf from '@tensorflow/tfjs';
import {
  baseModules,
  controlOptions,
  withParameters,
  type Control,
  type ControlledOptions,
  type Denoiser,
  type Module,
  type Weights,
} from '@controllab/core-blocks';
import { compileStaged, type CompileOptions, type HostTensor, type NamedTensors, type TensorSpec } from '@controllab/tfjs-onnx';
import type { Base } from '../base.ts';
import { checkControlValues, controlValueSpecs } from '../control/control-values.ts';
import { BaseModelError } from '../errors.ts';
import { addControls, contextOfFirst, firstRowsOnly, weighConnections, type Weighting } from './combine-controls.ts';

/** A control at work. */
export interface SampledControl {
  readonly control: Control;
  /** Multiplies what it gives; 1. */
  readonly scale?: number;
  /** The share of the steps, in [0, 1], at which it begins and ends to act: diffusers' control_guidance_start and _end; 0 and 1. */
  readonly start?: number;
  readonly end?: number;
  /**
   * Its values, `control.` and, where it trains some of the base, `unet.`: constants of the graph, which may lie in their file. Without
   * them every request brings values, so that one sampler follows a training run.
   */
  readonly weights?: Weights;
}

export interface DenoiserOptions {
  /** Pictures at a time. */
  readonly count: number;
  /** A second row for each picture, without its prompt. */
  readonly guidance: boolean;
  readonly controls: readonly SampledControl[];
  /** Whether controls act on both rows of a picture or on that with the prompt alone (ControlNet, section 3.4). */
  readonly controlIn: 'both' | 'conditional';
  readonly weighting: Weighting;
  /** Pixels. */
  readonly size: { readonly width: number; readonly height: number };
}

/** The denoiser with its controls, compiled. */
export interface CompiledDenoiser {
  /**
   * Takes what stays the same over the steps of a picture, and computes what depends on it alone: hint encoders, keys and values of the
   * text.
   * @param given what was not given when it was compiled: text, `condition0` ..., values under `control0.` ... and `unet.`
   */
  hold(given: Record<string, HostTensor>): Promise<HeldDenoiser>;
  release(): Promise<void>;
}

/** The same for one request. */
export interface HeldDenoiser {
  /**
   * The prediction [rows, C, h, w]: first a row a picture with its prompt, then, with guidance, one without.
   * @param x [count, C, h, w]
   * @param strengths `strength0` ... of controls that have a window
   */
  predict(x: HostTensor, timestep: number, strengths?: Record<string, HostTensor>): Promise<HostTensor>;
}

/** A control's values under its own prefix, those of the base under `unet.`. */
export const valuesOf = <T>(weights: Readonly<Record<string, T>>, index: number): Record<string, T> =>
  Object.fromEntries(
    Object.entries(weights).map(([name, value]) => [
      name.startsWith('control.') ? `control${index}.${name.slice('control.'.length)}` : name,
      value,
    ]),
  );

/** Whether a control does not act at every step: its strength is then an input of the graph, `strength0` ... */
export const hasWindow = ({ start = 0, end = 1 }: SampledControl): boolean => start > 0 || end < 1;

/** Rows of a batch that controls see. */
export const controlledRows = ({ count, guidance, controlIn }: DenoiserOptions): number =>
  guidance && controlIn === 'both' ? 2 * count : count;

/** Names and shapes of the values that each control brings. @throws BaseModelError invalid-control */
function controlSpecs(denoiser: Denoiser, controls: readonly SampledControl[]): Record<string, TensorSpec>[] {
  const training = controls.filter(({ control }) => control.trainsInBase !== null);
  if (training.length > 1)
    throw new BaseModelError(
      'invalid-control',
      `${training.length} controls come with values of their own for the U-Net; it can hold one's.`,
    );
  return controls.map(({ control, weights }, i) => {
    const specs = controlValueSpecs(denoiser, control);
    if (weights !== undefined) checkControlValues(`the values of control ${i}`, specs, weights);
    return valuesOf(specs, i);
  });
}

const repeated = (x: tf.Tensor, times: number): tf.Tensor => (times === 1 ? x : tf.concat(Array<tf.Tensor>(times).fill(x), 0));

const firstRows = (t: NamedTensors, rows: number): NamedTensors =>
  Object.fromEntries(
    Object.entries(t).map(([name, x]) => [
      name,
      tf.slice(
        x,
        x.shape.map(() => 0),
        [rows, ...x.shape.slice(1)],
      ),
    ]),
  );

/**
 * What the U-Net gets from all controls together. `t`: what the denoiser reads; of `all`: `condition0` ... [count, 3, H, W], and
 * `strength0` ... [rows, 1, 1, 1] of those that have a window.
 */
function controlled(denoiser: Denoiser, t: NamedTensors, all: NamedTensors, options: DenoiserOptions): ControlledOptions {
  const { count, guidance, controls, controlIn, weighting } = options;
  const alone = guidance && controlIn === 'conditional';
  const seen = alone ? firstRows(t, count) : t;
  return addControls(
    controls.map(({ control, scale = 1 }, i) => {
      const condition = repeated(all[`condition${i}`]!, controlledRows(options) / count);
      const given = controlOptions(control, denoiser, { ...seen, condition }, all[`strength${i}`] ?? scale);
      const weighed = weighConnections(given, weighting);
      const entering = alone ? firstRowsOnly(weighed, count, t['sample']!) : weighed;
      return guidance ? contextOfFirst(entering, count, t['context']!) : entering;
    }),
  );
}

/**
 * U-Net and controls as one graph. What is `given` becomes part of it: prompts and conditions that one picture is drawn from are constants,
 * so that what depends on them alone is computed once, at load. Null: they are held.
 * @throws BaseModelError invalid-control for controls that do not go together or whose values do not fit
 */
export async function compileDenoiser(
  base: Base,
  options: DenoiserOptions,
  given: Readonly<Record<string, HostTensor>> | null,
  engine: CompileOptions,
): Promise<CompiledDenoiser> {
  const { count, guidance, controls, size } = options;
  const extraInputs = Math.max(0, ...controls.map(({ control }) => control.extraInputs));
  const denoiser = base.denoiser({ extraInputs });
  const rows = guidance ? 2 * count : count;
  const latent = { height: size.height / base.factor, width: size.width / base.factor };
  const values = controlSpecs(denoiser, controls);
  const constants: Record<string, Weights[string]> = { ...given };
  for (const [i, { weights }] of controls.entries()) Object.assign(constants, weights === undefined ? {} : valuesOf(weights, i));
  for (const [name, fixed] of Object.entries(base.fixedInputs(size)))
    constants[name] = {
      data: Float32Array.from({ length: rows * fixed.length }, (_, i) => fixed[i % fixed.length]!),
      shape: [rows, fixed.length],
    };

  const { sample, ...others } = denoiser.inputs(rows, latent);
  const conditions = Object.fromEntries(controls.map((_, i) => [`condition${i}`, { shape: [count, 3, size.height, size.width] }]));
  const strengths = Object.fromEntries(
    controls.flatMap((control, i) => (hasWindow(control) ? [[`strength${i}`, { shape: [controlledRows(options), 1, 1, 1] }]] : [])),
  );
  const wanted: Record<string, TensorSpec> = Object.assign({}, others, conditions, strengths, ...values);
  const inputs = Object.fromEntries(Object.entries(wanted).filter(([name]) => !(name in constants)));
  const shared = Object.assign({}, ...controls.map(({ control }) => baseModules(denoiser, control))) as Record<string, Module>;
  const frozen = Object.keys({ unet: denoiser.unet, ...shared }).map((part) => `${part}.`);
  for (const [name, tensor] of Object.entries(base.weights))
    if (frozen.some((part) => name.startsWith(part)) && !(name in constants) && !(name in inputs)) constants[name] = tensor;

  const modules = {
    unet: denoiser.unet,
    ...shared,
    ...Object.fromEntries(controls.map(({ control }, i) => [`control${i}`, control.module])),
  };
  const changing = ['timesteps', ...Object.keys(strengths)];
  const compiled = await compileStaged(
    ({ inputs: fed, constants: kept }) => {
      const all: NamedTensors = { ...kept, ...fed };
      const t = { ...pick(all, Object.keys(others)), sample: repeated(all['x']!, rows / count) };
      return withParameters(modules, all, () => ({
        outputs: { prediction: denoiser.predict(t, controls.length === 0 ? {} : controlled(denoiser, t, all, options)) },
      }));
    },
    { inputs: { x: { shape: [count, ...sample!.shape.slice(1)] }, ...inputs }, constants },
    Object.keys(inputs).filter((name) => !changing.includes(name)),
    { ...engine, name: 'denoiser' },
  );
  return {
    async hold(fixed) {
      const held = await compiled.hold(fixed);
      return {
        predict: async (x, timestep, strengthsNow = {}) => {
          const timesteps = { data: new Float32Array(rows).fill(timestep), shape: [rows] };
          return (await held.run({ x, timesteps, ...strengthsNow }))['prediction']!;
        },
      };
    },
    release: () => compiled.release(),
  };
}

const pick = (t: NamedTensors, names: readonly string[]): NamedTensors => Object.fromEntries(names.map((name) => [name, t[name]!]));
