import { frechetDistance } from '@controllab/metrics';
import { borderColour, caption, colourNames, nearestColour, colours, SCENE_SEEDS } from '@controllab/emoji-scenes';
import {
  compileClip,
  compileJudge,
  createSampler,
  IMAGE_SIZE,
  loadAesthetic,
  loadClip,
  loadInception,
  loadSegmenter,
  miniAestheticScores,
  sampleInBatches,
  type BaseModel,
  type ClipScorer,
  type Judge,
} from '@controllab/mini-sd';
import type { CompileOptions, HostTensor } from '@controllab/tfjs-onnx';
import { cannyFidelity, type Control } from './controls.ts';
import { promptSettings, type AblationProfile, type Variant } from './design.ts';
import { conditionBatch, heldOutScenes, type HeldOutScene } from './held-out.ts';

/** Real scenes behind the Frechet distance, and their seed. */
const REFERENCE = 1024;
const REFERENCE_SEED = SCENE_SEEDS.frechetReference.seed;

/** The networks that judge pictures; none of them had a part in drawing one. */
export interface Judges {
  inception: Judge;
  clip: ClipScorer;
  segmenter: Record<string, HostTensor>;
  aesthetic: Record<string, HostTensor>;
  /** mini-inception's features of real scenes that are evaluated nowhere else, [N, 256]. */
  reference: { data: Float32Array; shape: [number, number] };
  /** Checksums of their weights. */
  hashes: Record<string, string>;
  release(): Promise<void>;
}

/** `singles` and `pairs`: the evaluated scenes, whose proportion the reference repeats. */
export async function openJudges({ tier }: BaseModel, { singles, pairs }: { singles: number; pairs: number }): Promise<Judges> {
  const [inceptionWeights, clipWeights, segmenterWeights, aestheticWeights] = [
    loadInception(tier),
    loadClip('clip-judge', tier),
    loadSegmenter(tier),
    loadAesthetic(tier),
  ];
  const [inception, clip] = [await compileJudge(inceptionWeights.tensors, tier), await compileClip(clipWeights.tensors, tier, 64)];
  const scale = REFERENCE / (singles + pairs);
  const real = await heldOutScenes(tier, Math.round(singles * scale), Math.round(pairs * scale), REFERENCE_SEED);
  return {
    inception,
    clip,
    segmenter: segmenterWeights.tensors,
    aesthetic: aestheticWeights.tensors,
    reference: await inception.features(real.map(({ rgb8 }) => rgb8)),
    hashes: {
      inception: inceptionWeights.hash,
      clip: clipWeights.hash,
      segmenter: segmenterWeights.hash,
      aesthetic: aestheticWeights.hash,
    },
    release: async () => {
      await Promise.all([inception.release(), clip.release()]);
    },
  };
}

/** What one model drew under one prompt setting, and how it scored; arrays have one entry an image. */
export interface Cell {
  images: Uint8Array[];
  /** The control's own measure. */
  fidelity: number[];
  /** Canny only: edge F1 without tolerance. */
  exact: number[] | null;
  /** Whether the border shows the scene's background colour. */
  background: boolean[];
  /** Whether mini-inception names the object; large singles only. */
  object: boolean[];
  /** Raw cosine of the picture and the scene's true caption, by the mini-CLIP that judges. */
  clip: number[];
  /** Mini-aesthetic score. */
  aesthetic: number[];
  /** Frechet distance (mini-inception) of all the pictures to real scenes of the same kinds. */
  frechet: number;
}

export type Cells = Record<string, Cell>;

/** Draws every prompt setting from the same noise for every model. `control` null: the base model alone. */
export async function drawPrompts(
  base: BaseModel,
  control: { kind: Control; variant: Variant; weights: Record<string, HostTensor> } | null,
  scenes: readonly HeldOutScene[],
  { final }: AblationProfile,
  seed: number,
  engine: CompileOptions,
): Promise<Record<string, Uint8Array[]>> {
  const module = control?.variant.create();
  const size = Math.min(scenes.length, BATCH);
  const sampler = await createSampler(base, { count: size, guidance: true, ...(module === undefined ? {} : { control: module }) }, engine);
  const conditionOf = (kind: Control['id']) => (start: number, end: number) => {
    const batch = scenes.slice(start, end);
    // The last batch is filled up with its first scene: graphs are compiled for one size.
    return conditionBatch([...batch, ...Array<HeldOutScene>(size - batch.length).fill(batch[0]!)], kind);
  };
  const drawn: Record<string, Uint8Array[]> = {};
  for (const setting of promptSettings) {
    const request = {
      prompts: scenes.map(({ spec }) => setting.prompt(spec, base.tier)),
      seed,
      steps: final.steps,
      guidanceScale: final.guidanceScale,
    };
    drawn[setting.id] =
      control === null
        ? await sampleInBatches(sampler, size, request)
        : await sampleInBatches(
            sampler,
            size,
            { ...request, controlWeights: control.weights },
            { conditionOf: conditionOf(control.kind.id) },
          );
  }
  await sampler.release();
  return drawn;
}

/** Pictures drawn at a time: more need memory and gain no speed. */
const BATCH = 32;

/** Scores pictures of the scenes against the condition of one control, whatever they were drawn with. */
export async function scoreCell(images: Uint8Array[], scenes: readonly HeldOutScene[], control: Control, judges: Judges): Promise<Cell> {
  const palette = colourNames.map((name) => colours[name]);
  const verdicts = await judges.inception.judge(
    images,
    scenes.map(({ spec }) => spec),
  );
  return {
    images,
    fidelity: await control.fidelity(images, scenes, judges.segmenter),
    exact: control.id === 'canny' ? cannyFidelity(images, scenes, 0) : null,
    background: images.map(
      (image, i) => colourNames[nearestColour(borderColour(image, IMAGE_SIZE, IMAGE_SIZE), palette)] === scenes[i]!.spec.background.colour,
    ),
    object: verdicts.flatMap(({ recognised }, i) => (scenes[i]!.spec.placements.length === 1 ? [recognised[0]!] : [])),
    clip: await judges.clip.scores(
      images,
      scenes.map(({ spec }) => caption(spec.parts)),
    ),
    aesthetic: await miniAestheticScores(judges.aesthetic, images),
    frechet: (await frechetDistance(await judges.inception.features(images), judges.reference)).value,
  };
}
