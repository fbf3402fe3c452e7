import * as tf from '@tensorflow/tfjs';
import { addResiduals, toUNetResiduals, type ControlNetModel, type ControlResiduals } from '@controllab/controlnet';
import { withParameters, type AddedConditions, type Module } from '@controllab/core-blocks';
import type { FloatTensor } from '@controllab/diffusion';
import { compile, type CompileOptions, type ConstantTensor, type HostTensor } from '@controllab/tfjs-onnx';
import type { EncodedPrompts } from './encode-prompt.ts';
import type { DiffusionModel, Part } from './open-model.ts';

/** An opened control network and what it sees. */
export interface Control {
  network: Part<ControlNetModel>;
  /** [1, 3, H, W] in [0, 1] */
  condition: HostTensor;
  scale: number;
}

export interface DenoiserSettings {
  prompts: EncodedPrompts;
  controls: readonly Control[];
  guessMode: boolean;
  guidance: number;
  /** Pixels. */
  width: number;
  height: number;
}

export interface Denoiser {
  /** The guided prediction at latents [1, C, h, w]. */
  predict(x: FloatTensor, timestep: number): Promise<FloatTensor>;
  release(): Promise<void>;
}

/** The conditional half's residuals for a batch whose first half is unconditional and gets none. */
const conditionalOnly = ({ downBlockResiduals, midBlockResidual }: ControlResiduals): ControlResiduals => {
  const behindZeros = (residual: tf.Tensor): tf.Tensor => tf.concat([tf.zerosLike(residual), residual], 0);
  return { downBlockResiduals: downBlockResiduals.map(behindZeros), midBlockResidual: behindZeros(midBlockResidual) };
};

/**
 * U-Net, control networks and guidance as one graph. The image's prompts and conditions are constants in it, so what depends on them alone
 * (hint encoders, keys and values of the text) is computed once, at load.
 */
export async function compileDenoiser(
  { unet, vae, xl }: DiffusionModel,
  { prompts, controls, guessMode, guidance, width, height }: DenoiserSettings,
  options: CompileOptions,
): Promise<Denoiser> {
  const guided = guidance > 1;
  const modules: Record<string, Module> = { unet: unet.module };
  const constants: Record<string, ConstantTensor> = { context: prompts.context };
  const addWeights = (prefix: string, { module, weights }: Part<Module>): void => {
    modules[prefix] = module;
    for (const [name, tensor] of Object.entries(weights)) constants[`${prefix}.${name}`] = tensor;
  };
  addWeights('unet', unet);
  controls.forEach(({ network, condition }, i) => {
    addWeights(`control${i}`, network);
    constants[`condition${i}`] = condition;
  });
  if (xl) {
    constants['pooled'] = prompts.pooled!;
    // As if the image were neither shrunk nor cropped: its size, the crop's corner, its size again.
    constants['timeIds'] = { data: Float32Array.of(height, width, 0, 0, height, width), shape: [1, 6] };
  }
  const latents = [1, vae.module.latentChannels, height / vae.module.factor, width / vae.module.factor];

  const compiled = await compile(
    ({ inputs, constants: given }) =>
      withParameters(modules, given, () => {
        const rows = (t: tf.Tensor, count: number): tf.Tensor => (count === 1 ? t : tf.concat([t, t], 0));
        const lastRow = (t: tf.Tensor): tf.Tensor =>
          tf.slice(t, [t.shape[0]! - 1, ...t.shape.slice(1).map(() => 0)], [1, ...t.shape.slice(1)]);
        const [x, t, context] = [inputs['x']!, inputs['t']!, given['context']!];
        const count = guided ? 2 : 1;
        const added: AddedConditions | undefined = xl
          ? { textEmbeds: given['pooled']!, timeIds: rows(given['timeIds']!, count) }
          : undefined;
        const single = added && { textEmbeds: lastRow(added.textEmbeds), timeIds: lastRow(added.timeIds) };
        const residuals = controls.map(({ network, scale }, i) => {
          const condition = given[`condition${i}`]!;
          const alone = guessMode || !guided;
          const args = alone
            ? ([x, t, lastRow(context), condition] as const)
            : ([rows(x, count), rows(t, count), context, rows(condition, count)] as const);
          const result = network.module.forward(...args, { conditioningScale: scale, guessMode, addedConditions: alone ? single : added });
          return alone && guided ? conditionalOnly(result) : result;
        });
        const output = unet.module.forward(rows(x, count), rows(t, count), context, {
          ...(residuals.length ? toUNetResiduals(addResiduals(residuals)) : {}),
          addedConditions: added,
        });
        if (!guided) return { outputs: { output } };
        const [negative, positive] = tf.split(output, 2, 0) as [tf.Tensor, tf.Tensor];
        return { outputs: { output: tf.add(negative, tf.mul(tf.sub(positive, negative), guidance)) } };
      }),
    { inputs: { x: { shape: latents }, t: { shape: [1] } }, constants },
    { ...options, name: 'denoiser' },
  );
  return {
    predict: async (x, timestep) => {
      const { output } = await compiled.run({ x, t: { data: Float32Array.of(timestep), shape: [1] } });
      return { data: output!.data as Float32Array, shape: output!.shape };
    },
    release: () => compiled.release(),
  };
}
