import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { toImages, writeAtomic } from '@controllab/data';
import { withParameters } from '@controllab/core-blocks';
import { initialNoise, sample, type FloatTensor } from '@controllab/diffusion';
import { encodePng, withPngText } from '@controllab/report';
import { compile, type CompileOptions } from '@controllab/tfjs-onnx';
import { ExperimentError } from '../runner/errors.ts';
import { compileDenoiser, type Control } from './compile-denoiser.ts';
import { imageSize, loadCondition } from './condition.ts';
import { encodePrompts } from './encode-prompt.ts';
import { openControlNet } from './open-controlnet.ts';
import { openModel, type DiffusionModel } from './open-model.ts';
import type { GenerateOptions } from './options.ts';
import { createSampler } from './sampler.ts';

/** Latents' size of a model whose config does not say. */
const DEFAULT_SAMPLE_SIZE = 64;

/** @throws ExperimentError invalid-option unless both sides are multiples of what the autoencoder shrinks by */
async function sizeOf(
  { width, height, controls }: GenerateOptions,
  { vae: { module }, sampleSize }: DiffusionModel,
): Promise<{ width: number; height: number }> {
  const own = (sampleSize ?? DEFAULT_SAMPLE_SIZE) * module.factor;
  const size =
    width !== null && height !== null
      ? { width, height }
      : controls[0]
        ? await imageSize(controls[0].condition)
        : { width: own, height: own };
  for (const [side, pixels] of Object.entries(size)) {
    const below = Math.floor(pixels / module.factor) * module.factor;
    if (below !== pixels) {
      throw new ExperimentError(
        'invalid-option',
        `generate: the ${side} must be a multiple of ${module.factor}, got ${pixels}${width === null ? ' from the condition image' : ''}; use --width and --height, e.g. ${below || module.factor} or ${below + module.factor}.`,
        size,
      );
    }
  }
  return size;
}

async function decodeLatents(
  { vae: { module, weights } }: DiffusionModel,
  latents: FloatTensor,
  options: CompileOptions,
): Promise<Uint8Array> {
  const decoder = await compile(
    ({ inputs, constants }) =>
      withParameters(module, constants, () => ({ outputs: { images: module.decode(tf.div(inputs['latents']!, module.scalingFactor)) } })),
    { inputs: { latents: { shape: latents.shape } }, constants: weights },
    { ...options, name: 'autoencoder' },
  );
  const { images } = await decoder.run({ latents });
  await decoder.release();
  return toImages(images!)[0]!.rgb;
}

/** The settings an image can be made again from, as the PNG's text. */
function describe(options: GenerateOptions, { width, height }: { width: number; height: number }): Record<string, string> {
  const { prompt, negativePrompt, model, controls, guessMode, seed, steps, guidance, sampler } = options;
  return {
    Software: 'controllab',
    prompt,
    ...(negativePrompt === null ? {} : { 'negative prompt': negativePrompt }),
    model,
    ...Object.fromEntries(
      controls.map(({ controlnet, condition, extractor, scale }, i) => [
        `control ${i + 1}`,
        `${controlnet}, condition ${condition}, extractor ${extractor}, scale ${scale}`,
      ]),
    ),
    ...(guessMode ? { 'guess mode': 'on' } : {}),
    settings: `seed ${seed}, ${steps} steps, guidance ${guidance}, sampler ${sampler}, ${width} x ${height}`,
  };
}

/**
 * Makes one image and writes it as a PNG that carries its settings. Text encoders, U-Net with control networks and decoder run one after
 * the other, and each is let go of before the next is loaded, so that memory holds the largest of them, not all.
 * @returns the file written
 * @throws ExperimentError, CoreBlocksError for models, images and settings that do not fit
 */
export async function generate(options: GenerateOptions, log: (message: string) => void): Promise<string> {
  const { prompt, negativePrompt, guidance, guessMode, seed, steps, sampler, provider, out } = options;
  const started = performance.now();
  const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

  const model = openModel(options.model, options.config);
  const scheduler = createSampler(sampler, model.scheduler, steps);
  const networks = options.controls.map(({ controlnet }) => openControlNet(controlnet, model));
  const size = await sizeOf(options, model);
  const controls: Control[] = [];
  for (const [i, { condition, extractor, scale }] of options.controls.entries())
    controls.push({ network: networks[i]!, condition: await loadCondition(condition, extractor, size), scale });

  const engine: CompileOptions = { provider };
  const prompts = await encodePrompts(model, { prompt, negativePrompt, guidance: guidance > 1 }, engine, log);
  log(`prompt encoded  ${seconds(started)}`);

  const loading = performance.now();
  const denoiser = await compileDenoiser(model, { prompts, controls, guessMode, guidance, ...size }, engine);
  log(`U-Net${controls.length ? ` and ${controls.length} ControlNet${controls.length > 1 ? 's' : ''}` : ''} loaded  ${seconds(loading)}`);

  let step = performance.now();
  const { latentChannels, factor } = model.vae.module;
  const latents = await sample({
    scheduler,
    noise: initialNoise(seed, [1, latentChannels, size.height / factor, size.width / factor]),
    predict: denoiser.predict,
    onStep: (_, k) => {
      log(`step ${k + 1}/${scheduler.timesteps.length}  ${seconds(step)}`);
      step = performance.now();
    },
  });
  await denoiser.release();

  const rgb8 = await decodeLatents(model, latents, engine);
  const file = path.resolve(out);
  await writeAtomic(file, withPngText(await encodePng(rgb8, size.width, size.height), describe(options, size)));
  log(`decoded  ${seconds(step)}; in all ${seconds(started)}`);
  return file;
}
