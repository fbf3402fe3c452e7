import type { SceneSpec, Tier } from '@controllab/emoji-scenes';
import { openScenes, writeCondition, IMAGE_SIZE } from '@controllab/mini-sd';
import type { HostTensor } from '@controllab/tfjs-onnx';

export interface HeldOutScene {
  spec: SceneSpec;
  rgb8: Uint8Array;
  canny: Uint8Array;
}

/** Seed of the evaluation scenes: never one of training. */
const EVALUATION_SEED = 4242;

/**
 * Scenes that no training run draws: large single objects in new placements and colours, and pairs of objects whose
 * combination is held out of training. The same for every variant, seed and profile.
 */
export async function heldOutScenes(tier: Tier, singles: number, pairs: number): Promise<HeldOutScene[]> {
  const collect = async (count: number, split: 'train' | 'val-combination', mix: { largeSingle: number; smallSingle: number; pair: number; row: number }): Promise<HeldOutScene[]> => {
    const scenes = await openScenes({ tier, seed: EVALUATION_SEED, split, mix }, ['canny']);
    return Array.from({ length: count }, (_, i) => {
      const spec = scenes.spec(i);
      const { rgb8, canny } = scenes.render(spec);
      return { spec, rgb8: rgb8.slice(), canny: canny.slice() };
    });
  };
  return [
    ...(await collect(singles, 'train', { largeSingle: 1, smallSingle: 0, pair: 0, row: 0 })),
    ...(await collect(pairs, 'val-combination', { largeSingle: 0, smallSingle: 0, pair: 1, row: 0 })),
  ];
}

/** Canny maps as a condition batch [N, 3, 64, 64] in [0, 1]. */
export function conditionBatch(scenes: readonly HeldOutScene[]): HostTensor {
  const data = new Float32Array(scenes.length * 3 * IMAGE_SIZE * IMAGE_SIZE);
  scenes.forEach(({ canny }, n) => writeCondition(canny, data, n));
  return { data, shape: [scenes.length, 3, IMAGE_SIZE, IMAGE_SIZE] };
}
