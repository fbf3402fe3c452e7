import { catalogue, emojiScenes, type SceneSource } from '@controllab/emoji-scenes';
import type { MakeBatch } from '@controllab/training';
import { CELLS, SUBGROUPS } from '../networks/inception.ts';
import { IMAGE_SIZE } from '../networks/models.ts';
import { noisyImages, sceneNumbers } from './noisy-images.ts';

export interface InceptionBatchData {
  source: SceneSource;
  batchSize: number;
  seed: number;
  /** Largest standard deviation of the pixel noise. */
  noise: number;
}

/**
 * Images with what is in them, shares adding up to 1, and what each cell shows: 1 + the object's place in the tier where it covers at least
 * half, else 0.
 */
export default async function inceptionBatches({ source, batchSize, seed, noise }: InceptionBatchData): Promise<MakeBatch> {
  const scenes = await emojiScenes(source);
  const pool = catalogue(source.tier);
  const classOf = new Map(pool.map(({ id }, label) => [id, label]));
  return async (step) => {
    const indices = sceneNumbers(step, batchSize);
    const examples = await Promise.all(indices.map((index) => scenes.example(index)));
    const objects = new Float32Array(batchSize * pool.length);
    const subgroups = new Float32Array(batchSize * SUBGROUPS);
    const cells = new Int32Array(batchSize * CELLS * CELLS);
    examples.forEach(({ spec: { placements } }, n) => {
      for (const { object } of placements) {
        objects[n * pool.length + classOf.get(object.id)!]! += 1 / placements.length;
        subgroups[n * SUBGROUPS + object.subgroupId]! += 1 / placements.length;
      }
    });
    const images = noisyImages(examples, { seed, step, strongest: noise }, ({ spec, map }, n) => {
      const labels = spec.placements.map(({ object }) => classOf.get(object.id)! + 1);
      writeCells(map('instances'), labels, cells.subarray(n * CELLS * CELLS, (n + 1) * CELLS * CELLS));
    });
    return {
      indices,
      inputs: {
        images,
        objects: { data: objects, shape: [batchSize, pool.length] },
        subgroups: { data: subgroups, shape: [batchSize, SUBGROUPS] },
        cells: { data: cells, shape: [batchSize, CELLS * CELLS] },
      },
    };
  };
}

const CELL = IMAGE_SIZE / CELLS;

/** The label of the instance that covers at least half of each cell, or 0. */
export function writeCells(instances: Uint8Array, labels: readonly number[], cells: Int32Array): void {
  const covered = new Int32Array(labels.length + 1);
  for (let cell = 0; cell < cells.length; cell++) {
    covered.fill(0);
    const top = Math.floor(cell / CELLS) * CELL;
    const left = (cell % CELLS) * CELL;
    for (let y = top; y < top + CELL; y++) for (let x = left; x < left + CELL; x++) covered[instances[y * IMAGE_SIZE + x]!]!++;
    cells[cell] = labels.find((_, i) => covered[i + 1]! * 2 >= CELL * CELL) ?? 0;
  }
}
