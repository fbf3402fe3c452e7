import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  checkSize,
  createSampler,
  openControl,
  sampleInBatches,
  type Base,
  type BatchedRequest,
  type SamplerOptions,
} from '@controllab/base-model';
import { userPath, workspaceRoot } from '@controllab/command-line';
import { conditionBatch, writeAtomic, type RgbImage } from '@controllab/data';
import { openBase } from '@controllab/mini-sd';
import { encodePng, withPngText } from '@controllab/report';
import { ExperimentError } from '../runner/errors.ts';
import { imageSize, loadCondition } from './condition.ts';
import { isMini, isPng, type GenerateOptions } from './options.ts';

/** Where pictures go whose place nobody named. */
const FOLDER = path.join(workspaceRoot, 'runs', 'generate');
/** Pictures drawn at a time by the embedded default; of a published model, one fills the memory. */
const BATCH = 16;

const openModel = ({ model, config }: GenerateOptions): Promise<Base> =>
  openBase(isMini(model) ? model : userPath(model), { config: config === null ? null : userPath(config) });

/**
 * The size asked for; else a published model draws what its first condition is, and the embedded default what it was trained on.
 * @throws ExperimentError invalid-option for a size that the model cannot draw
 */
async function sizeOf({ width, height, controls, model }: GenerateOptions, base: Base): Promise<{ width: number; height: number }> {
  const asked = width !== null && height !== null;
  const own = { width: base.pixels, height: base.pixels };
  const size = asked ? { width, height } : controls[0] && !isMini(model) ? await imageSize(userPath(controls[0].condition)) : own;
  try {
    checkSize(base, size);
  } catch (cause) {
    const where = asked ? '' : ' (of the condition image)';
    throw new ExperimentError('invalid-option', `generate: ${(cause as Error).message}${where}; use --width and --height.`, size, {
      cause,
    });
  }
  return size;
}

/** The settings a picture can be made again from, as the PNG's text. */
function describe(
  options: GenerateOptions,
  base: Base,
  { prompt, picture, width, height }: { prompt: string; picture: number; width: number; height: number },
): Record<string, string> {
  const { negativePrompt, model, controls, guessMode, seed, steps, guidance, sampler } = options;
  return {
    Software: 'controllab',
    prompt,
    ...(negativePrompt === null ? {} : { 'negative prompt': negativePrompt }),
    model: isMini(model) ? `${base.id}, U-Net ${base.hashes['unet']!.slice(0, 12)}` : model,
    ...Object.fromEntries(
      controls.map(({ controlnet, condition, extractor, scale }, i) => [
        `control ${i + 1}`,
        `${controlnet}, condition ${condition}, extractor ${extractor}, scale ${scale}`,
      ]),
    ),
    ...(guessMode ? { 'guess mode': 'on' } : {}),
    settings: `seed ${seed}${picture === 0 ? '' : `, picture ${picture}`}, ${steps} steps, guidance ${guidance}, sampler ${sampler}, ${width} x ${height}`,
  };
}

const slug = (prompt: string): string =>
  prompt
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60) || 'empty';

/** A PNG that is named is written; in a folder no older picture is written over. */
function fileFor({ out, seed }: GenerateOptions, prompt: string, picture: number): string {
  if (out !== null && isPng(out)) return userPath(out);
  const stem = path.join(out === null ? FOLDER : userPath(out), `${slug(prompt)}-${seed}-${picture}`);
  for (let copy = 1; ; copy++) {
    const file = `${stem}${copy === 1 ? '' : `-${copy}`}.png`;
    if (!existsSync(file)) return file;
  }
}

/** What each control sees, the same for every picture. */
async function conditionsOf({ controls }: GenerateOptions, size: { width: number; height: number }) {
  const images: RgbImage[] = [];
  for (const { condition, extractor } of controls) images.push(await loadCondition(userPath(condition), extractor, size));
  return (start: number, end: number) => images.map((image) => conditionBatch(Array<RgbImage>(end - start).fill(image)));
}

/** Says what a published model, which takes its time, does at every stage and step. */
function progress({ model, controls }: GenerateOptions, say: (message: string) => void): Partial<BatchedRequest> {
  if (isMini(model)) return {};
  let last = performance.now();
  const took = (what: string): void => {
    say(`${what}  ${((performance.now() - last) / 1000).toFixed(1)} s`);
    last = performance.now();
  };
  const loaded = `U-Net${controls.length ? ` and ${controls.length} ControlNet${controls.length > 1 ? 's' : ''}` : ''} loaded`;
  return {
    onStage: (stage) => took(stage === 'denoiser loaded' ? loaded : stage),
    onStep: (step, steps) => took(`step ${step}/${steps}`),
  };
}

/** Writes pictures as PNG files that carry their settings, the first being picture `first` of the command. */
async function writePictures(
  options: GenerateOptions,
  base: Base,
  prompts: readonly string[],
  images: readonly RgbImage[],
  first: number,
): Promise<string[]> {
  const files: string[] = [];
  for (const [i, { rgb, width, height }] of images.entries()) {
    const picture = first + i;
    const prompt = prompts[picture]!;
    const file = fileFor(options, prompt, picture);
    const text = describe(options, base, { prompt, picture, width, height });
    await writeAtomic(file, withPngText(await encodePng(rgb, width, height), text));
    files.push(file);
  }
  return files;
}

/**
 * Draws every prompt `count` times and writes a PNG for each, which carries its settings. Picture n of the command starts from noise
 * (seed, n): the same command draws the same pictures.
 * @returns the files written
 * @throws ExperimentError, BaseModelError, MiniSdError, CoreBlocksError for models, images and settings that do not fit
 */
export async function generate(options: GenerateOptions, say: (message: string) => void): Promise<string[]> {
  const { count, negativePrompt, guidance, guessMode, seed, steps, sampler: solver, provider } = options;
  const started = performance.now();
  const base = await openModel(options);
  const controls = options.controls.map(({ controlnet, scale }) => ({ ...openControl(userPath(controlnet), base), scale }));
  const size = await sizeOf(options, base);
  const prompts = options.prompts.flatMap((prompt) => Array<string>(count).fill(prompt));
  const settings: SamplerOptions = {
    count: Math.min(prompts.length, isMini(options.model) ? BATCH : 1),
    guidance: guidance > 1,
    controls,
    ...(guessMode ? { controlIn: 'conditional', weighting: 'guess' } : {}),
    size,
    say: (message) => say(`Warning: ${message}.`),
  };
  const sampler = await createSampler(base, settings, { provider });
  const files: string[] = [];
  try {
    await sampleInBatches(sampler, {
      ...{ prompts, negativePrompt, seed, solver, steps, guidanceScale: guidance },
      conditionsOf: await conditionsOf(options, size),
      ...progress(options, say),
      onBatch: async (done, newest) => {
        files.push(...(await writePictures(options, base, prompts, newest, done - newest.length)));
        say(
          `${done} of ${prompts.length} picture${prompts.length === 1 ? '' : 's'}  ${((performance.now() - started) / 1000).toFixed(1)} s`,
        );
      },
    });
  } finally {
    await sampler.release();
  }
  return files;
}
