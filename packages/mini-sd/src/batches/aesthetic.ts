import { emojiScenes, type SceneSource } from '@controllab/emoji-scenes';
import { degrade, drawLadder } from '@controllab/metrics';
import type { MakeBatch } from '@controllab/training';
import { IMAGE_SIZE } from '../networks/models.ts';
import { writeImage } from '@controllab/data';
import { sceneNumbers } from './noisy-images.ts';

export interface AestheticBatchData {
  source: SceneSource;
  /** Images of a batch: whole ladders. */
  batchSize: number;
  /** Versions of a scene: the untouched one, and one more degraded after the other. */
  levels: number;
  seed: number;
}

/** Scenes [N, 3, 64, 64], each followed by its degraded versions from best to worst. */
export default async function aestheticBatches({ source, batchSize, levels, seed }: AestheticBatchData): Promise<MakeBatch> {
  const scenes = await emojiScenes(source);
  return async (step) => {
    const indices = sceneNumbers(step, batchSize / levels);
    const data = new Float32Array(batchSize * 3 * IMAGE_SIZE * IMAGE_SIZE);
    const examples = await Promise.all(indices.map((index) => scenes.example(index)));
    examples.forEach(({ image, spec: { index } }, n) => {
      ladder(image, levels, { seed, index }).versions.forEach((version, level) => writeImage(version, data, n * levels + level));
    });
    return { indices, inputs: { images: { data, shape: [batchSize, 3, IMAGE_SIZE, IMAGE_SIZE] } } };
  };
}

/** `levels` versions of an image from best to worst, by one kind of degradation. */
export function ladder(
  image: Parameters<typeof degrade>[0],
  levels: number,
  draw: { seed: number; index: number },
): { kind: string; versions: Uint8Array[] } {
  const { kind, strengths } = drawLadder(draw, levels - 1);
  return { kind, versions: [image.rgb, ...strengths.map((strength) => degrade(image, kind, strength, draw).rgb)] };
}
