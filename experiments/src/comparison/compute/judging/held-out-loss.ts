import { compileDenoiser, valuesOf, type DenoiserOptions } from '@controllab/base-model';
import type { Control } from '@controllab/core-blocks';
import { conditionBatch, normal } from '@controllab/data';
import { addNoise, trainingTarget } from '@controllab/diffusion';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { ConditionId } from '../../conditions.ts';
import type { EvaluationSet } from '../drawing/evaluation-set.ts';
import { promptOf, type PromptSettingId } from '../../prompts.ts';
import type { Setting } from '../training/train.ts';

/** The prompt settings that the loss is taken under. */
export const LOSS_PROMPTS = ['none', 'perfect'] as const satisfies readonly PromptSettingId[];

/** Scenes and timesteps that a loss is taken at. */
export interface LossPlan {
  readonly scenes: Pick<EvaluationSet, 'hash' | 'examples'>;
  readonly timesteps: readonly number[];
}

/** Mean squared error of what the denoiser predicts: by prompt setting, a row a timestep, in it a value a scene. */
export type HeldOutLoss = Readonly<Record<(typeof LOSS_PROMPTS)[number], readonly (readonly number[])[]>>;

/** Of the noise that scenes are seen through: the same for everything that is compared. */
const SEED = 1;
const PURPOSE = 'held-out loss';

/** What the denoiser predicts for a plan's scenes: by prompt setting, at each timestep, all scenes behind each other. */
export type Predictions = Readonly<Record<(typeof LOSS_PROMPTS)[number], readonly Float32Array[]>>;

/** A loss that is taken again and again, of a control's values as they train. */
export interface OpenLoss {
  predict(weights: Readonly<Record<string, HostTensor>>): Promise<Predictions>;
  of(predictions: Predictions): HeldOutLoss;
  release(): Promise<void>;
}

/** Compiles the base under a control, or alone, for a plan's scenes. */
export async function openLoss(
  { at: { engine }, base }: Pick<Setting, 'base'> & { readonly at: Pick<Setting['at'], 'engine'> },
  { control, condition, plan }: { control: Control | null; condition: ConditionId; plan: LossPlan },
): Promise<OpenLoss> {
  const { examples } = plan.scenes;
  const count = examples.length;
  const x0 = await base.encode(
    examples.map(({ image }) => image),
    engine,
  );
  const noise = { data: normal(SEED, PURPOSE, 0, x0.data.length), shape: x0.shape };
  const text: Record<string, Record<string, HostTensor>> = {};
  for (const prompt of LOSS_PROMPTS)
    text[prompt] = await base.encodePrompts(
      examples.map((example) => promptOf(example, prompt)),
      engine,
    );
  const options: DenoiserOptions = {
    count,
    guidance: false,
    controls: control === null ? [] : [{ control }],
    controlIn: 'both',
    weighting: 'equal',
    size: { width: base.pixels, height: base.pixels },
  };
  const seen: Record<string, HostTensor> =
    control === null ? {} : { condition0: conditionBatch(examples.map((example) => example.condition(condition))) };
  const denoiser = await compileDenoiser(base, options, null, engine);
  const seenAt = plan.timesteps.map((timestep) => {
    const all = Array<number>(count).fill(timestep);
    const target = trainingTarget(base.prediction, base.schedule, x0, noise, all).data;
    return { timestep, target, noisy: addNoise(base.schedule, x0, noise, all) };
  });
  return {
    async predict(weights) {
      const given = { ...seen, ...valuesOf(weights, 0) };
      const predictions = {} as Record<(typeof LOSS_PROMPTS)[number], Float32Array[]>;
      for (const prompt of LOSS_PROMPTS) {
        predictions[prompt] = [];
        const held = await denoiser.hold({ ...given, ...text[prompt] });
        for (const { noisy, timestep } of seenAt) {
          const { data } = await held.predict(noisy, timestep);
          // A copy: the next run may take the same memory.
          predictions[prompt].push((data as Float32Array).slice());
        }
      }
      return predictions;
    },
    of: (predictions) => byPrompt((prompt) => predictions[prompt].map((predicted, i) => meanSquares(predicted, seenAt[i]!.target, count))),
    release: () => denoiser.release(),
  };
}

/** One thing for each prompt setting. */
export const byPrompt = <T>(of: (prompt: keyof HeldOutLoss) => T): Record<keyof HeldOutLoss, T> =>
  Object.fromEntries(LOSS_PROMPTS.map((prompt) => [prompt, of(prompt)])) as Record<keyof HeldOutLoss, T>;

/** Mean squared difference of each of `count` rows. */
export function meanSquares(a: Float32Array, b: ArrayLike<number>, count: number): number[] {
  const row = a.length / count;
  return Array.from({ length: count }, (_, n) => {
    let sum = 0;
    for (let i = n * row; i < (n + 1) * row; i++) sum += (a[i]! - b[i]!) ** 2;
    return sum / row;
  });
}
