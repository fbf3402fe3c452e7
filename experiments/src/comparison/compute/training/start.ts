import { baseModules, controlOptions, withParameters, type Control, type Weights } from '@controllab/core-blocks';
import { conditionBatch, plainJson, type Json } from '@controllab/data';
import { initialNoise } from '@controllab/diffusion';
import { compile, type HostTensor } from '@controllab/tfjs-onnx';
import type { ConditionId } from '../../conditions.ts';
import { methodOf, type Arm } from '../../experiment.ts';
import { promptOf } from '../../prompts.ts';
import { controlOf, type Setting } from './train.ts';

/** Scenes whose predictions are compared, at most. */
const SCENES = 4;
const SEED = 1;

/** The U-Net's weights by plain names. */
const plainNames = (weights: Weights, prefix: string): Weights =>
  Object.fromEntries(Object.entries(weights).flatMap(([name, t]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), t]] : [])));

/** How far an untrained control moves the base model's prediction. */
export interface StartDifference {
  /** The largest absolute difference over every output value; 0 means bit for bit equal. */
  readonly difference: number;
  readonly values: number;
}

/**
 * How far an arm moves the base model's prediction before its first training step, both run on the same inputs. No training is needed: it
 * holds for every seed and condition if it holds for one, since zero times anything is zero.
 */
export async function startDifference(setting: Setting, arm: Arm, condition: ConditionId): Promise<StartDifference> {
  const { at, base } = setting;
  const identity: Json = {
    method: { id: arm.method.id, config: plainJson(arm.method.config) },
    base: base.hash,
    scenes: setting.followed.hash,
    condition,
    numerics: plainJson(at.numerics),
  };
  const { value } = await at.store.cell<StartDifference>('start', identity, async () => ({
    value: await compare(setting, arm, condition),
  }));
  return value;
}

async function compare({ at, base, followed }: Setting, arm: Arm, condition: ConditionId): Promise<StartDifference> {
  const examples = followed.examples.slice(0, SCENES);
  const encoded = await base.encodePrompts(
    examples.map((example) => promptOf(example, 'perfect')),
    at.engine,
  );
  const { inputs } = base.denoiser();
  const specs = inputs(examples.length);
  const feed: Record<string, HostTensor> = {
    ...encoded,
    sample: initialNoise(SEED, specs['sample']!.shape as [number, ...number[]]),
    timesteps: {
      data: Float32Array.from(examples, (_, n) => Math.floor((999 * (n + 1)) / examples.length)),
      shape: [examples.length],
    },
  };

  const predict = async (control: Control | null): Promise<Float32Array> => {
    const denoiser = base.denoiser(control === null ? {} : { extraInputs: control.extraInputs });
    const initial = control === null ? {} : control.initial(plainNames(base.weights, 'unet.'), SEED);
    const given: Record<string, HostTensor> =
      control === null ? {} : { condition: conditionBatch(examples.map((example) => example.condition(condition))) };
    const started = Object.fromEntries(Object.entries(initial).map(([name, { shape }]) => [name, { shape }]));
    const modules = baseModules(denoiser, control);
    const frozen = Object.entries(base.weights).filter(([name]) => Object.keys(modules).some((part) => name.startsWith(`${part}.`)));
    const network = await compile(
      ({ inputs: x, constants }) =>
        withParameters(modules, { ...constants, ...x }, () => ({
          outputs: {
            prediction:
              control === null
                ? denoiser.predict(x)
                : withParameters({ control: control.module }, x, () => denoiser.predict(x, controlOptions(control, denoiser, x))),
          },
        })),
      {
        inputs: { ...specs, ...Object.fromEntries(Object.entries(given).map(([name, { shape }]) => [name, { shape }])), ...started },
        constants: Object.fromEntries(frozen.filter(([name]) => initial[name] === undefined)),
      },
      { ...at.engine, name: 'denoiser under an untrained control' },
    );
    const { prediction } = await network.run({ ...feed, ...given, ...initial });
    await network.release();
    return prediction!.data as Float32Array;
  };
  const alone = await predict(null);
  const controlled = await predict(controlOf({ base }, methodOf(arm)));
  let difference = 0;
  for (let i = 0; i < alone.length; i++) difference = Math.max(difference, Math.abs(alone[i]! - controlled[i]!));
  return { difference, values: alone.length };
}
