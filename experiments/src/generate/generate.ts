import path from 'node:path';
import sharp from 'sharp';
import {
  checkSize,
  createSampler,
  openControl,
  sampleInBatches,
  type Base,
  type LoraRequest,
  type PromptText,
  type SamplerOptions,
} from '@controllab/base-model';
import { userPath } from '@controllab/command-line';
import { conditionBatch, CONTACT_SHEET, writeOrKeep, type RgbImage } from '@controllab/data';
import { openBase } from '@controllab/mini-sd';
import { shippedControl } from '@controllab/mini-sd/names';
import { encodePng, imageSheet, withPngText, type Progress } from '@controllab/report';
import { ExperimentError } from '../runner/errors.ts';
import { shownSize, loadCondition } from './condition.ts';
import { isMini } from '@controllab/mini-sd/names';
import type { GenerateOptions } from './options.ts';
import { captionsOf, type FolderCaptions } from './pictures/captions.ts';
import { describePicture, type PictureRequest } from './pictures/describe.ts';
import { destinationOf, folderOf, inFolder, type Destination } from './pictures/destination.ts';
import { checkDestination, slug, writePicture, type Companion } from './pictures/outputs.ts';
import { encodePicture, type PictureText } from './pictures/picture-file.ts';
import { readPrompt, weightsText } from './prompts/prompt-syntax.ts';
import { readPrompts, type PromptRow } from './prompts/read-prompts.ts';

/** Pictures drawn at a time by the embedded default; of a published model, one fills the memory. */
const BATCH = 16;
/** The longest side of a contact sheet: what viewers and browsers show. */
const SHEET_SIDE = 8192;

type Size = Pick<RgbImage, 'width' | 'height'>;
type Warn = (message: string) => void;

/** A picture, and who says what its conditions are. */
interface PlannedPicture extends PictureRequest {
  /** The row of the prompts file, for messages; null: the command. */
  readonly place: string | null;
}

/** What is drawn, before it is known with which model. */
interface Plan {
  readonly pictures: readonly PlannedPicture[];
  /** Of each picture as the text encoder gets it. */
  readonly prompts: readonly PromptText[];
  readonly negativePrompts: readonly (PromptText | null)[];
  /** Those of the command and of tags. */
  readonly loras: readonly LoraRequest[];
}

const invalid = (message: string, values: Record<string, unknown> = {}): never => {
  throw new ExperimentError('invalid-option', `generate: ${message}`, values);
};

/** @throws ExperimentError invalid-option where both the command and the rows name conditions, or the rows do for no control */
async function rowsOf(promptsFile: string, { controls }: GenerateOptions): Promise<PromptRow[]> {
  const ofRows = controls.filter(({ condition }) => condition === null).length;
  const rows = await readPrompts(userPath(promptsFile), ofRows);
  const named = rows.some(({ conditions }) => conditions !== undefined);
  if (named && controls.length === 0)
    return invalid(`${promptsFile} has a column condition and there is no control that sees it: give --control or --controlnet.`);
  if (named && ofRows === 0) return invalid(`--condition is given, and ${promptsFile} has a column condition: leave one of them out.`);
  return rows;
}

/** Every picture with its prompt and seed: `count` of each prompt; where no row of a file says otherwise, seeds follow each other. */
async function picturesOf(options: GenerateOptions): Promise<PlannedPicture[]> {
  const { prompts, promptsFile, count, negativePrompt, seed, controls } = options;
  const own = controls.flatMap(({ condition }) => condition ?? []);
  const rows: PromptRow[] = [...prompts.map((prompt) => ({ prompt })), ...(promptsFile === null ? [] : await rowsOf(promptsFile, options))];
  const pictures = rows.flatMap((row, r) =>
    Array.from({ length: count }, (_, c) => ({
      prompt: row.prompt,
      negativePrompt: row.negativePrompt ?? negativePrompt,
      seed: row.seed !== undefined ? row.seed + c : seed + r * count + c,
      // Relative to where the command was called, as paths of its flags are.
      conditions: row.conditions?.map(({ file }) => (path.isAbsolute(file) ? file : path.join(path.dirname(promptsFile!), file))) ?? own,
      place: row.conditions?.[0]?.place ?? null,
    })),
  );
  const last = pictures.find((picture) => picture.seed >= 2 ** 32);
  return last ? invalid(`the seeds of ${pictures.length} pictures run to ${last.seed}, beyond 2^32; begin lower.`) : pictures;
}

/** LoRAs of tags are merged at load, so that all prompts must ask for the same. */
function tagLoras(pictures: readonly PictureRequest[], loras: readonly (readonly LoraRequest[])[]): readonly LoraRequest[] {
  const first = loras[0]!;
  const other = loras.findIndex((own) => JSON.stringify(own) !== JSON.stringify(first));
  if (other >= 0)
    invalid(
      `the prompts of one run need the same <lora:...> tags, for LoRAs are added to the weights once: "${pictures[0]!.prompt}" and "${pictures[other]!.prompt}" differ.`,
    );
  return first;
}

async function planOf(options: GenerateOptions, progress: Progress, warn: Warn): Promise<Plan> {
  const pictures = await picturesOf(options);
  const setting = { syntax: options.promptSyntax, loraDir: options.loraDir === null ? null : userPath(options.loraDir) };
  const read = pictures.map(({ prompt }) => readPrompt(prompt, setting, warn));
  const negative = pictures.map(({ negativePrompt }) => {
    if (negativePrompt === null) return null;
    const { text, loras } = readPrompt(negativePrompt, setting, warn);
    return loras.length === 0 ? text : invalid(`a negative prompt has no <lora:...> tags: "${negativePrompt}".`);
  });
  const weights = new Set(
    [...read.map(({ text }) => text), ...negative].flatMap((text) => (text === null ? [] : (weightsText(text) ?? []))),
  );
  for (const words of weights) progress.message(`Prompt weights: ${words} (--prompt-syntax plain reads brackets as text).`);
  if (options.guidance <= 1 && negative.some((text) => text !== null)) warn('without guidance (0 or 1) negative prompts have no effect');
  const own = options.loras.map(({ file, weight }) => ({ file: userPath(file), weight }));
  return {
    pictures,
    prompts: read.map(({ text }) => text),
    negativePrompts: negative,
    loras: [
      ...own,
      ...tagLoras(
        pictures,
        read.map(({ loras }) => loras),
      ),
    ],
  };
}

const openModel = ({ model, config, vae, prediction, clipSkip }: GenerateOptions, loras: readonly LoraRequest[]): Promise<Base> =>
  openBase(isMini(model) ? model : userPath(model), {
    config: config === null ? null : userPath(config),
    vae: vae === null ? null : userPath(vae),
    prediction,
    clipSkip,
    ...(loras.length === 0 ? {} : { loras }),
  });

/**
 * The size asked for; else a published model draws what its first condition is, and the embedded default what it was trained on.
 * @throws ExperimentError invalid-option for a size that the model cannot draw
 */
async function sizeOf({ width, height, model }: GenerateOptions, { pictures }: Plan, base: Base): Promise<Size> {
  const asked = width !== null && height !== null;
  const own = { width: base.pixels, height: base.pixels };
  const [first] = pictures[0]!.conditions;
  const size = asked ? { width, height } : first !== undefined && !isMini(model) ? await shownSize(userPath(first)) : own;
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

/** Conditions that are held; of more, those beyond are read again when their pictures are drawn. */
const HELD_BYTES = 256 * 2 ** 20;

/**
 * What each control sees of each picture. All of them are read here, so that a damaged one ends nothing that was begun.
 * @throws ExperimentError invalid-image, naming the file and the row of the prompts file that names it
 */
async function conditionsOf({ controls }: GenerateOptions, { pictures }: Plan, size: Size, warn: Warn) {
  const read = async ({ conditions, place }: PlannedPicture, i: number): Promise<RgbImage> => {
    const file = userPath(conditions[i]!);
    return await loadCondition(file, controls[i]!.extractor, size, warn).catch((cause: Error) => {
      if (place === null) throw cause;
      throw new ExperimentError('invalid-image', `generate: ${place}: ${cause.message}`, { file, place }, { cause });
    });
  };
  const keyOf = ({ conditions }: PlannedPicture, i: number): string => `${controls[i]!.extractor} ${conditions[i]}`;
  /** Null: to be read again. */
  const held = new Map<string, RgbImage | null>();
  let left = HELD_BYTES;
  for (const picture of pictures)
    for (const i of controls.keys()) {
      if (held.has(keyOf(picture, i))) continue;
      const image = await read(picture, i);
      left -= image.rgb.length;
      held.set(keyOf(picture, i), left >= 0 ? image : null);
    }
  const see = async (picture: PlannedPicture, i: number): Promise<RgbImage> => held.get(keyOf(picture, i)) ?? (await read(picture, i));
  const batch = async (start: number, end: number) => {
    const batches: ReturnType<typeof conditionBatch>[] = [];
    for (const i of controls.keys()) {
      const images: RgbImage[] = [];
      for (const picture of pictures.slice(start, end)) images.push(await see(picture, i));
      batches.push(conditionBatch(images));
    }
    return batches;
  };
  return { see, batch };
}

/** Says what is done: every step, and of a published model, which takes its time, every stage. */
function sampling({ model, controls, steps }: GenerateOptions, pictures: number, atOnce: number, progress: Progress) {
  let [last, drawn] = [performance.now(), 0];
  const loaded = `U-Net${controls.length ? ` and ${controls.length} control${controls.length > 1 ? 's' : ''}` : ''} loaded`;
  return {
    onStage: (stage: 'prompts encoded' | 'denoiser loaded' | 'decoded') => {
      if (!isMini(model))
        progress.message(`${stage === 'denoiser loaded' ? loaded : stage}  ${((performance.now() - last) / 1000).toFixed(1)} s`);
      last = performance.now();
    },
    onStep: (step: number, all: number) => {
      last = performance.now();
      const now = Math.min(atOnce, pictures - drawn);
      const which =
        pictures === 1 ? '' : `, picture${now > 1 ? 's' : ''} ${now > 1 ? `${drawn + 1}-${drawn + now}` : drawn + 1} of ${pictures}`;
      progress.update({ text: `step ${step}/${all}${which}`, done: (drawn + (now * step) / all) * steps, total: pictures * steps });
      if (step === all) drawn += now;
    },
  };
}

/** All pictures of a run in one image: a line for each prompt where each has several. Smaller where it would be too large to be shown. */
async function sheetOf(images: readonly RgbImage[], count: number): Promise<RgbImage> {
  const columns = count > 1 && count < images.length ? count : Math.ceil(Math.sqrt(images.length));
  const { width, height } = images[0]!;
  const longest = Math.max(columns * width, Math.ceil(images.length / columns) * height);
  if (longest <= SHEET_SIDE) return imageSheet(images, columns);
  const size = { width: Math.floor((width * SHEET_SIDE) / longest), height: Math.floor((height * SHEET_SIDE) / longest) };
  const small: RgbImage[] = [];
  for (const { rgb } of images) {
    const pixels = sharp(rgb, { raw: { width, height, channels: 3 } }).resize({ ...size, fit: 'fill' });
    small.push({ ...size, rgb: new Uint8Array(await pixels.raw().toBuffer()) });
  }
  return imageSheet(small, columns);
}

interface Drawn {
  readonly image: RgbImage;
  readonly text: PictureText;
  readonly stem: string;
  /** What each control saw, where that is kept. */
  readonly conditions: readonly RgbImage[];
}

/** Where a command writes all that it writes. */
interface Places {
  readonly destination: Destination;
  /** For what each control saw; none where that is not kept. */
  readonly conditions: readonly string[];
  /** Of a folder that was named. */
  readonly captions: FolderCaptions | null;
}

/**
 * Writes what was drawn, with its captions; where the destination takes no files by now, into a folder that the error names.
 * @throws DataError file-write
 */
const writePictures = ({ destination, conditions, captions }: Places, drawn: readonly Drawn[]): Promise<string[]> =>
  writeOrKeep(folderOf(destination), async (folder) => {
    const elsewhere = folder !== folderOf(destination);
    const files: string[] = [];
    for (const { image, text, stem, conditions: seen } of drawn) {
      const companions = conditions.map((own, i): Companion => {
        const { rgb, width, height } = seen[i]!;
        return { folder: elsewhere ? path.join(folder, 'conditions', String(i + 1)) : own, encode: () => encodePng(rgb, width, height) };
      });
      files.push(await writePicture(inFolder(destination, folder), stem, (file) => encodePicture(file, image, text), companions));
    }
    if (captions !== null) await (elsewhere ? captionsOf(folder) : captions).write();
    return files;
  });

const writeSheet = (destination: Destination, images: readonly RgbImage[], { count, seed }: GenerateOptions): Promise<string> =>
  writePicture(destination, `sheet-${seed}`, async () => {
    const { rgb, width, height } = await sheetOf(images, count);
    return withPngText(await encodePng(rgb, width, height), { [CONTACT_SHEET]: `${images.length} pictures` });
  });

const liesIn = (inner: string, outer: string): boolean => !/^\.\.([\\/]|$)/.test(path.relative(outer, inner));

/** A folder for each control. @throws ExperimentError invalid-option where `evaluate` would take maps for pictures, or pictures for maps */
function conditionFolders({ saveConditions, controls }: GenerateOptions, destination: Destination): string[] {
  if (saveConditions === null) return [];
  const [folder, pictures] = [userPath(saveConditions), folderOf(destination)];
  if (liesIn(folder, pictures) || liesIn(pictures, folder))
    return invalid(
      `--save-conditions ${saveConditions}: it and ${pictures} lie one in the other, and would be read as one set; name another.`,
    );
  return controls.length === 1 ? [folder] : controls.map((_, i) => path.join(folder, String(i + 1)));
}

/** Makes sure that all of the pictures can be written; while their size is not known yet, that one of none can be. */
async function checkedPlaces(options: GenerateOptions, plan: Plan, { width, height }: Size): Promise<Places> {
  const destination = destinationOf(options.out, plan.pictures.length);
  const { model, config, vae, promptsFile, controls } = options;
  const conditions = plan.pictures.flatMap((picture) => picture.conditions);
  const inputs = [model, config, vae, promptsFile, ...controls.map(({ controlnet }) => controlnet), ...conditions];
  await checkDestination(destination, {
    // Pixels that cannot be compressed; of the sheet as many again.
    bytes: plan.pictures.length * width * height * 3 * (options.sheet ? 2 : 1),
    overwrite: options.overwrite,
    inputs: [...inputs.flatMap((input) => (input === null ? [] : userPath(input))), ...plan.loras.map(({ file }) => file)],
  });
  const folders = conditionFolders(options, destination);
  for (const folder of folders)
    await checkDestination(
      { folder },
      { bytes: plan.pictures.length * width * height * 3, overwrite: false, inputs: [], flag: '--save-conditions' },
    );
  // The folder of pictures whose place nobody named is no set of anything.
  const captions = 'folder' in destination && options.out !== null ? captionsOf(destination.folder) : null;
  await captions?.check();
  return { destination, conditions: folders, captions };
}

/** A sampler of the base with its controls, told of nothing: what of a prompt is cut off or unknown is said before. */
function openSampler(options: GenerateOptions, base: Base, pictures: number, size: Size) {
  const { guidance, guessMode, provider, model } = options;
  const settings: SamplerOptions = {
    count: Math.min(pictures, isMini(model) ? BATCH : 1),
    guidance: guidance > 1,
    controls: options.controls.map(({ controlnet, scale, start, end }) => ({
      ...openControl((isMini(model) ? shippedControl(controlnet) : null) ?? userPath(controlnet), base),
      scale,
      start,
      end,
    })),
    ...(guessMode ? { controlIn: 'conditional', weighting: 'guess' } : {}),
    size,
  };
  return createSampler(base, settings, { provider });
}

/**
 * Draws every prompt `count` times and writes a picture for each, which carries its settings, a contact sheet of several, and into a folder
 * that was named their captions. Each picture has a seed of its own, with which it is drawn again alone.
 * @returns the files written
 * @throws ExperimentError, BaseModelError, MiniSdError, CoreBlocksError for models, images and settings that do not fit
 */
export async function generate(options: GenerateOptions, progress: Progress): Promise<string[]> {
  const said = new Set<string>();
  const warn = (message: string): void => {
    if (!said.has(message)) progress.message(`Warning: ${message}.`);
    said.add(message);
  };
  const plan = await planOf(options, progress, warn);
  const { pictures, prompts, negativePrompts } = plan;
  // LoRAs are added when a model is opened, which takes its time.
  await checkedPlaces(options, plan, { width: 0, height: 0 });
  const base = await openModel(options, plan.loras);
  base.tokenize([...prompts, ...negativePrompts.map((prompt) => prompt ?? '')], warn);
  const size = await sizeOf(options, plan, base);
  const conditions = await conditionsOf(options, plan, size, warn);
  const places = await checkedPlaces(options, plan, size);
  const sampler = await openSampler(options, base, pictures.length, size);
  const told = sampling(options, pictures.length, sampler.count, progress);
  const files: string[] = [];
  try {
    const images = await sampleInBatches(sampler, {
      prompts,
      negativePrompts,
      seed: pictures.map(({ seed }) => seed),
      solver: options.sampler,
      sampling: options.sampling,
      steps: options.steps,
      guidanceScale: options.guidance,
      guidanceRescale: options.guidanceRescale,
      conditionsOf: conditions.batch,
      ...told,
      onBatch: async (done, newest) => {
        const drawn: Drawn[] = [];
        for (const [i, image] of newest.entries()) {
          const picture = pictures[done - newest.length + i]!;
          const text = describePicture({ options, base, size, loras: plan.loras }, picture);
          const seen: RgbImage[] = [];
          for (const control of places.conditions.keys()) seen.push(await conditions.see(picture, control));
          drawn.push({ image, text, stem: `${slug(picture.prompt)}-${picture.seed}`, conditions: seen });
        }
        files.push(...(await writePictures(places, drawn)));
      },
    });
    if (images.length > 1 && options.sheet) files.push(await writeSheet(places.destination, images, options));
    if (places.captions !== null) files.push(places.captions.file);
  } finally {
    progress.end();
    await sampler.release();
  }
  return files;
}
