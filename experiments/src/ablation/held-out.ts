import { firstExamples } from '@controllab/data';
import { emojiScenes, SCENE_SEEDS, type SceneSpec, type Tier } from '@controllab/emoji-scenes';
import { writeCondition } from '@controllab/data';
import { IMAGE_SIZE } from '@controllab/mini-sd';
import type { HostTensor } from '@controllab/tfjs-onnx';

type ControlId = 'canny' | 'segmentation' | 'mask';

export interface HeldOutScene {
  spec: SceneSpec;
  rgb8: Uint8Array;
  /** Exact maps [64 x 64], by control. */
  maps: Record<ControlId, Uint8Array>;
  /** The same as the pictures that a control network is shown, [64, 64, 3]. */
  pictures: Record<ControlId, Uint8Array>;
}

/** Seed of the evaluation scenes: never one of training. */
export const EVALUATION_SEED = SCENE_SEEDS.evaluation.seed;

/**
 * Scenes that no training run draws: large single objects in new placements and colours, and pairs of objects whose
 * combination is held out of training. The same for every variant, seed and profile.
 */
export async function heldOutScenes(
  tier: Tier,
  singles: number,
  pairs: number,
  sceneSeed: number = EVALUATION_SEED,
): Promise<HeldOutScene[]> {
  const collect = async (
    count: number,
    split: 'train' | 'val-combination',
    mix: { largeSingle: number; smallSingle: number; pair: number; row: number },
  ): Promise<HeldOutScene[]> => {
    const scenes = await emojiScenes({ tier, seed: sceneSeed, split, mix });
    return (await firstExamples(scenes, count)).map(({ spec, image, map, condition }) => {
      const each = (make: (id: ControlId) => Uint8Array): Record<ControlId, Uint8Array> => ({
        canny: make('canny'),
        segmentation: make('segmentation'),
        mask: make('mask'),
      });
      return {
        spec,
        rgb8: image.rgb,
        maps: each(map),
        pictures: each((id) => condition(id).rgb),
      };
    });
  };
  return [
    ...(await collect(singles, 'train', { largeSingle: 1, smallSingle: 0, pair: 0, row: 0 })),
    ...(await collect(pairs, 'val-combination', { largeSingle: 0, smallSingle: 0, pair: 1, row: 0 })),
  ];
}

/** The scenes' conditions as a batch [N, 3, 64, 64] in [0, 1]. */
export function conditionBatch(scenes: readonly HeldOutScene[], control: ControlId): HostTensor {
  const data = new Float32Array(scenes.length * 3 * IMAGE_SIZE * IMAGE_SIZE);
  scenes.forEach(({ pictures }, n) => writeCondition(pictures[control], data, n));
  return { data, shape: [scenes.length, 3, IMAGE_SIZE, IMAGE_SIZE] };
}
