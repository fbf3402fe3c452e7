import { borderColour, nearestColour } from '@controllab/metrics';
import { catalogue, colourNames, colours } from '@controllab/emoji-scenes';
import { classify, createSampler, IMAGE_SIZE, loadWeights, MiniClassifier, type BaseModel } from '@controllab/mini-sd';
import type { CompileOptions, HostTensor } from '@controllab/tfjs-onnx';
import { promptSettings, type AblationProfile, type Variant } from './design.ts';
import { conditionFidelity, type Fidelity } from './fidelity.ts';
import { conditionBatch, type HeldOutScene } from './held-out.ts';

/** What one model drew under one prompt setting, and how it scored; arrays have one entry an image. */
export interface Cell {
  images: Uint8Array[];
  fidelity: Fidelity;
  /** Whether the border shows the scene's background colour. */
  background: boolean[];
  /** Whether the mini classifier names the object; large singles only. */
  object: boolean[];
}

export type Cells = Record<string, Cell>;

/** Samples every prompt setting with the same noise for every model. `control` null: the base model alone. */
export async function samplePrompts(
  base: BaseModel,
  control: { variant: Variant; weights: Record<string, HostTensor> } | null,
  scenes: readonly HeldOutScene[],
  { final }: AblationProfile,
  seed: number,
  engine: CompileOptions,
): Promise<Cells> {
  const module = control?.variant.create();
  const sampler = await createSampler(base, { count: scenes.length, guidance: true, ...(module === undefined ? {} : { control: module }) }, engine);
  const cells: Cells = {};
  for (const setting of promptSettings) {
    const images = await sampler.sample({
      prompts: scenes.map(({ spec }) => setting.prompt(spec, base.tier)),
      seed,
      steps: final.steps,
      guidanceScale: final.guidanceScale,
      ...(control === null ? {} : { condition: conditionBatch(scenes), controlWeights: control.weights }),
    });
    cells[setting.id] = await score(images, scenes, base.tier);
  }
  await sampler.release();
  return cells;
}

async function score(images: Uint8Array[], scenes: readonly HeldOutScene[], tier: BaseModel['tier']): Promise<Cell> {
  const classifier = loadWeights('classifier', new MiniClassifier(catalogue(tier).length));
  const singles = scenes.flatMap(({ spec }, i) => (spec.placements.length === 1 ? [i] : []));
  const labels = await classify(classifier.tensors, singles.map((i) => images[i]!));
  const palette = colourNames.map((name) => colours[name]);
  return {
    images,
    fidelity: conditionFidelity(images, scenes),
    background: images.map((image, i) => colourNames[nearestColour(borderColour(image, IMAGE_SIZE, IMAGE_SIZE), palette)] === scenes[i]!.spec.background.colour),
    object: singles.map((i, k) => labels[k] === scenes[i]!.spec.placements[0]!.object.id),
  };
}
