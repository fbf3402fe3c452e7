import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { writeAtomic, writeCondition } from '@controllab/data';
import { parameterSpecs, readSafetensors, verifySafetensors } from '@controllab/core-blocks';
import type { SolverName } from '@controllab/diffusion';
import { encodePng, withPngText } from '@controllab/report';
import type { Tier } from '@controllab/emoji-scenes';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { controls, miniControlNet } from './control.ts';
import { MiniSdError } from './errors.ts';
import { IMAGE_SIZE } from './models.ts';
import type { CommunityStyle } from './styles.ts';
import { createSampler, loadBaseModel } from './sampler.ts';

export interface GenerateOptions {
  prompt: readonly string[];
  tier: Tier;
  seed: number;
  count: number;
  guidance: number;
  steps: number;
  sampler: SolverName;
  /** A community model in place of the base model. */
  style?: CommunityStyle;
  /** With all three: the control network's weights, how the condition is made, and the picture it is made from. */
  controlnet?: string;
  control?: string;
  condition?: string;
  out: string;
}

/** Pictures drawn at a time. */
const BATCH = 16;

/**
 * Draws every prompt `count` times and writes one PNG each, with all settings in its metadata. Picture n of the command starts from noise
 * (seed, n): the same command draws the same pictures.
 * @returns the files
 * @throws MiniSdError invalid-argument for options that do not fit together or a picture that cannot be read
 */
export async function generate(options: GenerateOptions, say: (message: string) => void): Promise<string[]> {
  const { prompt: prompts, seed, count, guidance, steps, sampler: solver, out } = options;
  const control = await readControl(options);
  const jobs = prompts.flatMap((prompt) => Array<string>(count).fill(prompt));
  const base = loadBaseModel(options.tier, options.style);
  const size = Math.min(BATCH, jobs.length);
  const sampler = await createSampler(base, {
    count: size,
    guidance: guidance !== 1,
    ...(control === null ? {} : { control: miniControlNet() }),
  });
  const started = performance.now();
  mkdirSync(out, { recursive: true });
  const files: string[] = [];
  for (let start = 0; start < jobs.length; start += size) {
    const batch = jobs.slice(start, start + size);
    const images = await sampler.sample({
      prompts: batch,
      seed,
      firstImage: start,
      solver,
      steps,
      guidanceScale: guidance,
      ...(control === null ? {} : { condition: repeated(control.picture, size), controlWeights: control.weights }),
    });
    for (const [i, image] of images.entries()) {
      const number = start + i;
      const file = path.join(out, `${slug(batch[i]!)}-${seed}-${number}.png`);
      const settings = {
        prompt: batch[i]!,
        tier: options.tier,
        seed: String(seed),
        image: String(number),
        steps: String(steps),
        guidance: String(guidance),
        sampler: solver,
        model: `mini-sd${options.style === undefined ? '' : `, ${options.style}`}, U-Net ${base.hashes.unet.slice(0, 12)}`,
        ...(control === null ? {} : { controlnet: options.controlnet!, control: options.control!, condition: options.condition! }),
      };
      await writeAtomic(file, withPngText(await encodePng(image, IMAGE_SIZE, IMAGE_SIZE), settings));
      files.push(file);
    }
  }
  await sampler.release();
  say(`${files.length} pictures in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return files;
}

const slug = (prompt: string): string =>
  prompt
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60) || 'empty';

async function readControl({
  controlnet,
  control,
  condition,
}: GenerateOptions): Promise<{ weights: Record<string, HostTensor>; picture: Uint8Array } | null> {
  const given = Object.entries({ controlnet, control, condition })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `--${name}`);
  if (given.length === 0) return null;
  if (given.length < 3)
    throw new MiniSdError('invalid-argument', `--controlnet, --control and --condition go together; got only ${given.join(' and ')}`, {
      given,
    });
  for (const file of [controlnet!, condition!])
    if (!existsSync(file)) throw new MiniSdError('invalid-argument', `${file} does not exist`, { file });
  verifySafetensors(controlnet!);
  const stored = readSafetensors(controlnet!);
  const specs = parameterSpecs({ control: miniControlNet() });
  const problems = Object.entries(specs).flatMap(([name, { shape }]) => {
    if (!stored.names().includes(name)) return [`${name} is missing`];
    const found = stored.tensor(name).shape;
    return found.join() === shape.join() ? [] : [`${name} is [${found.join(', ')}], expected [${shape.join(', ')}]`];
  });
  if (problems.length > 0)
    throw new MiniSdError(
      'bad-weights',
      `${controlnet} is not a ControlNet of the embedded default: ${problems.slice(0, 5).join('; ')}${problems.length > 5 ? `; and ${problems.length - 5} more` : ''}`,
      { problems },
    );
  let picture: Buffer;
  try {
    picture = await sharp(condition!)
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .resize(IMAGE_SIZE, IMAGE_SIZE, { fit: 'fill' })
      .removeAlpha()
      .raw()
      .toBuffer();
  } catch (error) {
    throw new MiniSdError(
      'invalid-argument',
      `${condition} could not be read as a picture: ${(error as Error).message}`,
      { condition },
      { cause: error },
    );
  }
  return {
    weights: Object.fromEntries(Object.keys(specs).map((name) => [name, stored.tensor(name)])),
    picture: controls[control!]!(new Uint8Array(picture)),
  };
}

/** The same condition for every picture of a batch. */
function repeated(picture: Uint8Array, count: number): HostTensor {
  const data = new Float32Array(count * 3 * IMAGE_SIZE * IMAGE_SIZE);
  for (let n = 0; n < count; n++) writeCondition(picture, data, n);
  return { data, shape: [count, 3, IMAGE_SIZE, IMAGE_SIZE] };
}
