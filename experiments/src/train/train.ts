import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { checkSize, hashWeights, openControlValues, type Base } from '@controllab/base-model';
import { userPath, workspaceRoot } from '@controllab/command-line';
import { countParameters, type Control, type LatentSize, type Weights } from '@controllab/core-blocks';
import { firstExamples, plainJson, plainLines, type Json } from '@controllab/data';
import { openBase } from '@controllab/mini-sd';
import { isMini } from '@controllab/mini-sd/names';
import { currentCommit } from '@controllab/report';
import { checkRecipe, trainControl, TRAINING_REVISION, type LogLine, type Recipe } from '@controllab/training';
import { ExperimentError, Interrupted } from '../runner/errors.ts';
import { numericsOf } from '../runner/numerics.ts';
import { Store } from '../runner/store.ts';
import { onBase } from '../runner/on-base.ts';
import { encodedPictures, type Workplace } from '../runner/workplace.ts';
import { bucketText, encodedBuckets, latentOf, oneBucket, storedBuckets, type Bucket } from './buckets.ts';
import { openData, type TrainData } from './data.ts';
import { dryRun } from './dry-run.ts';
import { checkTrainFolder, inTrainFolder } from './folder.ts';
import { observe } from './live/observer.ts';
import { drawnLines, type PageSetting } from './live/page.ts';
import { writeOwnText } from './output/own-text.ts';
import { ONNX_BYTES } from './output/write-onnx.ts';
import { writeOutputs } from './output/write-outputs.ts';
import { problemTeller } from './problems.ts';
import { recipeOf, warmupWarning, type TrainSettings } from './settings.ts';
import { drawnUnder, openValidation, validatedPictures, type Validated } from './validation.ts';

type Size = { readonly width: number; readonly height: number };

/** The command as it was given. */
export interface GivenCommand {
  /** Every flag, as a config file. */
  readonly config: string;
  readonly command: string;
}

/** A training that is known to be possible. */
export interface PlannedTraining {
  readonly settings: TrainSettings;
  readonly base: Base;
  readonly control: Control;
  /** Values of an earlier training that this one goes on from, and their hash; null where it starts as its method does. */
  readonly start: { readonly weights: Weights; readonly hash: string } | null;
  readonly data: TrainData;
  readonly recipe: Recipe;
  /** Of all pictures; with buckets of those of the one that has most. */
  readonly size: Size;
  readonly latent: LatentSize;
  /** Most pictures first; null where all are squares. */
  readonly buckets: readonly [Bucket, ...Bucket[]] | null;
  readonly at: Workplace;
  readonly out: string;
  /** Says rows that are passed over, each once. */
  sayProblems(problems: readonly string[]): void;
}

function workplace({ provider, threads = os.availableParallelism(), store }: TrainSettings): Workplace {
  const say = (message: string): void => void process.stdout.write(`${plainLines(message)}\n`);
  const engine = { provider, threads };
  const folder = store === undefined ? path.join(workspaceRoot, 'runs', 'store') : userPath(store);
  return { store: new Store(folder, { commit: currentCommit(), say }), engine, numerics: numericsOf(engine, null), say };
}

/** The size of the pictures. @throws ExperimentError invalid-option for one that the base cannot take */
async function sizeOf({ resolution }: TrainSettings, base: Base, { dataset }: TrainData): Promise<Size> {
  const { image } = await dataset.example(0);
  const size = { width: image.width, height: image.height };
  try {
    checkSize(base, size);
  } catch (cause) {
    throw new ExperimentError(
      'invalid-option',
      `train: ${(cause as Error).message}; use --resolution (${resolution ?? base.pixels}).`,
      size,
      {
        cause,
      },
    );
  }
  return size;
}

/** @throws BaseModelError invalid-control for values of another method or base */
function startOf({ controlnetModelNameOrPath: file }: TrainSettings, base: Base, control: Control): PlannedTraining['start'] {
  if (file === undefined) return null;
  const weights = openControlValues(userPath(file), base, control);
  return { weights, hash: hashWeights(weights) };
}

/** Before anything is read: a training is not to end in what cannot be written. @throws ExperimentError invalid-option */
function checkExports({ exports }: TrainSettings, control: Control): void {
  const bytes = Float32Array.BYTES_PER_ELEMENT * countParameters(control.module);
  if (exports.includes('onnx') && bytes > ONNX_BYTES)
    throw new ExperimentError(
      'invalid-option',
      `train: --export onnx writes one file of at most ${(ONNX_BYTES / 1e9).toFixed(1)} GB, and this control has ${(bytes / 1e9).toFixed(1)} GB: leave it out.`,
      { bytes },
    );
}

async function plan(settings: TrainSettings): Promise<PlannedTraining> {
  const at = workplace(settings);
  const out = userPath(settings.out);
  await checkTrainFolder(out);
  const { base: name, baseConfig } = settings;
  const base = await openBase(isMini(name) ? name : userPath(name), { config: baseConfig === undefined ? null : userPath(baseConfig) });
  const control = settings.method.create(base.denoiser().target);
  const start = startOf(settings, base, control);
  checkExports(settings, control);
  const data = await openData(settings, base, { store: at.store.root, say: at.say });
  const sayProblems = problemTeller(at.say);
  sayProblems(data.problems());
  const buckets = settings.aspectBuckets ? await storedBuckets(at, base, data) : null;
  if (buckets !== null) at.say(`aspect buckets: ${buckets.map(bucketText).join(', ')}`);
  const size = buckets?.[0].size ?? (await sizeOf(settings, base, data));
  const recipe = recipeOf(
    settings,
    data.examples,
    buckets?.map(({ indices }) => indices.length),
  );
  checkRecipe(recipe);
  const warning = warmupWarning(recipe);
  if (warning !== null) at.say(warning);
  return { settings, base, control, start, data, recipe, size, latent: latentOf(base, size), buckets, at, out, sayProblems };
}

/** What a training is a pure function of. */
const identityOf = ({ settings, base, start, data, recipe, size, buckets, at }: PlannedTraining): Json => ({
  revision: TRAINING_REVISION,
  method: { id: settings.method.id, config: plainJson(settings.method.config) },
  base: base.hash,
  ...(start === null ? {} : { start: start.hash }),
  dataset: data.dataset.hash,
  condition: data.condition,
  size: plainJson(buckets === null ? size : buckets.map((bucket) => bucket.size)),
  recipe: plainJson(recipe),
  recompute: settings.gradientCheckpointing,
  seed: settings.seed,
  numerics: plainJson(at.numerics),
});

/** Says which captions the base does not read as they stand: of a long set, the first ones. */
async function sayCaptions({ base, data: { dataset, examples }, at }: PlannedTraining): Promise<void> {
  const LOOKED_AT = 256;
  const said = new Set<string>();
  const captions = (await firstExamples(dataset, Math.min(LOOKED_AT, examples))).map((example) => example.captions['caption'] ?? '');
  base.tokenize(captions, (message) => said.add(message));
  const shown = [...said].slice(0, 5);
  for (const message of shown) at.say(`Warning: ${message}.`);
  if (said.size > shown.length) at.say(`Warning: ${said.size - shown.length} more captions or words are cut off or unknown.`);
}

/** How it is trained, in words: what stands on the page and in the model card. */
function factsOf({ settings, base, control, start, data, recipe, size, buckets }: PlannedTraining): Record<string, string> {
  const { accumulation = 1, maxGradNorm, snrGamma, ema } = recipe;
  const { diffusers } = recipe.schedule as { diffusers: string };
  return {
    method: settings.method.label,
    base: `${base.label}, ${base.hash.slice(0, 12)}`,
    ...(start === null ? {} : { 'goes on from': `${settings.controlnetModelNameOrPath}, ${start.hash.slice(0, 12)}` }),
    data: `${data.examples} of ${data.dataset.id}, ${data.dataset.hash.slice(0, 12)}`,
    control: settings.control,
    pixels: buckets === null ? `${size.width} x ${size.height}` : buckets.map(bucketText).join(', '),
    'parameters of the control': countParameters(control.module).toLocaleString('en-US'),
    'trained in the base': control.trainsInBase === null ? 'nothing' : String(control.trainsInBase),
    steps: `${recipe.steps} of ${recipe.batchSize}${accumulation === 1 ? '' : ` x ${accumulation}`}`,
    'learning rate': `${recipe.learningRate}, ${diffusers}${recipe.warmup > 0 ? `, ${recipe.warmup} steps of warm-up` : ''}`,
    AdamW: `betas ${recipe.betas!.join(', ')}, weight decay ${recipe.weightDecay}, epsilon ${recipe.epsilon}`,
    'gradient norm': maxGradNorm === undefined ? 'not cut' : `cut at ${maxGradNorm}`,
    'loss weights': snrGamma === undefined ? 'equal' : `min-SNR, gamma ${snrGamma}`,
    'empty prompts': String(recipe.promptDrop),
    timesteps: recipe.timesteps,
    'averaged weights': ema === null ? 'no' : `decay ${ema}`,
    seed: String(settings.seed),
  };
}

const pageSetting = (planned: PlannedTraining, pictures: readonly Validated[], { command }: GivenCommand): PageSetting => ({
  title: `${planned.settings.method.label} on ${planned.settings.control}`,
  totalSteps: planned.recipe.steps,
  samplesPerStep: planned.recipe.batchSize * (planned.recipe.accumulation ?? 1),
  seed: planned.settings.seed,
  pictures,
  drawnUnder: drawnUnder(planned.settings, pictures),
  validation: path.join(planned.out, 'validation'),
  facts: factsOf(planned),
  command,
  engine: `${planned.at.numerics.runtime}, ${planned.at.numerics.provider}, ${planned.at.numerics.threads} threads`,
  weightsHash: planned.base.hash.slice(0, 12),
  datasetHash: planned.data.dataset.hash.slice(0, 12),
});

async function encoded({ base, data, buckets, at }: PlannedTraining) {
  if (buckets !== null) return encodedBuckets(at, base, data, buckets);
  const { file: latents, passedOver } = await encodedPictures(at, base, data);
  return { latents, passedOver };
}

/** Says that pictures of before a resume were drawn under other prompts, and are not shown under those of now. */
function sayOthers(page: PageSetting, lines: readonly LogLine[], say: (message: string) => void): void {
  const others = lines.filter((line) => 'evaluation' in line).length - drawnLines(page, lines).length;
  if (others > 0 && page.pictures.length > 0)
    say(
      `Warning: what ${others} steps drew before was drawn under other prompts, conditions or --validation flags, or by an earlier version: page and model card leave it out.`,
    );
}

/** Trains in the folder, or goes on. @throws Interrupted when a signal stopped it */
async function trainIn(planned: PlannedTraining, identity: Json, given: GivenCommand): Promise<void> {
  const { settings, base, control, start, data, recipe, size, latent, buckets, at, out, sayProblems } = planned;
  await writeOwnText(out, 'train.json', given.config, at.say);
  await sayCaptions(planned);
  // With buckets those of one size are drawn.
  const drawn = buckets === null ? data : { ...data, ...oneBucket(data, buckets[0]) };
  const pictures = settings.validation ? await validatedPictures(settings, drawn, size, (message) => at.say(`Warning: ${message}.`)) : [];
  const page = pageSetting(planned, pictures, given);
  await mkdir(page.validation, { recursive: true });
  const observer = observe(page, { page: path.join(out, 'report'), tensorboard: path.join(out, 'tensorboard') });
  at.say(`the run's page: ${path.relative(process.cwd(), path.join(out, 'report', 'index.html'))}`);
  const { latents, passedOver } = await encoded(planned);
  // Of a large set rows are read that nobody had looked at before.
  sayProblems([...passedOver, ...data.problems()]);
  const validation = settings.validation ? await openValidation({ settings, base, recipe, at, pictures, size }, page.validation) : null;
  const lines: LogLine[] = [];
  try {
    const { weights } = await trainControl({
      name: 'train',
      ...onBase(base, control),
      fixed: base.fixedInputs(size),
      data: { latents, dataset: data.dataset.reference },
      condition: data.condition,
      latent,
      recipe,
      seed: settings.seed,
      engine: at.engine,
      directory: out,
      identity,
      checkpointEvery: settings.checkpointingSteps,
      keptCheckpoints: settings.checkpointsTotalLimit,
      recompute: settings.gradientCheckpointing,
      cutPrompts: true,
      ...(start === null ? {} : { start: start.weights }),
      ...(validation === null ? {} : { evaluation: validation.evaluation }),
      onRecord: async (more) => {
        if (lines.length === 0) sayOthers(page, more, at.say);
        // Not spread: of a training that goes on they are the whole log.
        for (const line of more) lines.push(line);
        await observer.onRecord(more);
      },
    });
    if (weights === null) throw new Interrupted();
    await observer.finish();
    for (const file of await writeOutputs(planned, { weights, page, lines })) at.say(path.relative(process.cwd(), path.join(out, file)));
  } finally {
    await validation?.release();
  }
}

/**
 * Trains a control network as the flags say and writes it as others read it, with a model card, a page and TensorBoard's events. Called
 * again with the same flags it goes on from its newest checkpoint, to the same bytes.
 * @throws ExperimentError, and what base, data and training throw
 */
export async function train(settings: TrainSettings, given: GivenCommand): Promise<void> {
  const planned = await plan(settings);
  try {
    await trainPlanned(planned, settings, given);
  } finally {
    await planned.data.close();
  }
}

async function trainPlanned(planned: PlannedTraining, settings: TrainSettings, given: GivenCommand): Promise<void> {
  if (settings.dryRun) {
    const { gradientCheckpointing: recompute, checkpointsTotalLimit: keptCheckpoints } = settings;
    planned.at.say(await dryRun(planned, { recompute, keptCheckpoints }));
    return;
  }
  const identity = identityOf(planned);
  await inTrainFolder(planned.out, identity, () => trainIn(planned, identity, given));
}
