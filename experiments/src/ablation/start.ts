import type * as tf from '@tensorflow/tfjs';
import { parameterSpecs, withParameters } from '@controllab/core-blocks';
import { CONTEXT_LENGTH, tokenize, vocabulary } from '@controllab/emoji-scenes';
import { controlledPrediction, LATENT_CHANNELS, LATENT_SIZE, miniText, miniUNet, type BaseModel } from '@controllab/mini-sd';
import { initialNoise } from '@controllab/diffusion';
import { compile, type CompileOptions, type HostTensor } from '@controllab/tfjs-onnx';
import type { Control } from './controls.ts';
import type { Variant } from './design.ts';
import { conditionBatch, type HeldOutScene } from './held-out.ts';

/**
 * How far a control network moves the base model's prediction before its first training step: the largest absolute
 * difference over every output value, both run on the same inputs. Zero means bit for bit equal.
 */
export async function startDifference(
  base: BaseModel,
  variant: Variant,
  control: Control['id'],
  seed: number,
  scenes: readonly HeldOutScene[],
  engine: CompileOptions,
): Promise<{ difference: number; values: number }> {
  const count = scenes.length;
  const words = vocabulary(base.tier);
  const unet = miniUNet();
  const text = miniText(words.words.length);
  const network = variant.create();
  const inputs = {
    noisy: { shape: [count, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE] },
    timesteps: { shape: [count] },
    ids: { shape: [count, CONTEXT_LENGTH], dtype: 'int32' as const },
  };
  const alone = await compile(
    ({ inputs: x, constants }) =>
      withParameters({ unet, text }, constants, () => ({
        outputs: { v: unet.forward(x['noisy']!, x['timesteps']!, text.forward(x['ids']!)) },
      })),
    { inputs, constants: base.denoiser },
    engine,
  );
  const withControl = await compile(
    ({ inputs: x, constants }) =>
      withParameters({ unet, text }, constants, () =>
        withParameters({ control: network }, x, () => ({
          outputs: {
            v: controlledPrediction(unet, network, {
              noisy: x['noisy']!,
              timesteps: x['timesteps']!,
              context: text.forward(x['ids']!),
              condition: x['condition'] as tf.Tensor,
            }),
          },
        })),
      ),
    {
      inputs: { ...inputs, condition: { shape: conditionBatch(scenes, control).shape }, ...parameterSpecs({ control: network }) },
      constants: base.denoiser,
    },
    engine,
  );
  const ids = new Int32Array(count * CONTEXT_LENGTH);
  scenes.forEach(({ spec }, n) => ids.set(tokenize(spec.parts.names.join(' '), words), n * CONTEXT_LENGTH));
  const feed: Record<string, HostTensor> = {
    noisy: initialNoise(seed, [count, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE]),
    timesteps: { data: Float32Array.from({ length: count }, (_, n) => Math.floor((999 * (n + 1)) / count)), shape: [count] },
    ids: { data: ids, shape: [count, CONTEXT_LENGTH] },
  };
  const a = (await alone.run(feed))['v']!.data;
  const b = (await withControl.run({ ...feed, condition: conditionBatch(scenes, control), ...variant.initial(network, base, seed) }))['v']!
    .data;
  await Promise.all([alone.release(), withControl.release()]);
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
  return { difference, values: a.length };
}
