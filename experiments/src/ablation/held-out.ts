import { conditionImage, type SceneSpec, type Tier } from '@controllab/emoji-scenes';
import { writeCondition } from '@controllab/data';
import { openScenes, IMAGE_SIZE } from '@controllab/mini-sd';
import type { HostTensor } from '@controllab/tfjs-onnx';

const conditions = ['canny', 'segmentation', 'mask'] as const;
type ControlId = (typeof conditions)[number];

export interface HeldOutScene {
  spec: SceneSpec;
  rgb8: Uint8Array;
  /** Exact maps [64 x 64], by control. */
  maps: Record<ControlId, Uint8Array>;
  /** The same as the pictures that a control network is shown, [64, 64, 3]. */
  pictures: Record<ControlId, Uint8Array>;
}

/** Seed of the evaluation scenes: never one of training. */
export const EVALUATION_SEED = 4242;

/**
 * Scenes that no training run draws: large single objects in new placements and colours, and pairs of objects whose
 * combination is held out of training. The same for every variant, seed and profile.
 */
export async function heldOutScenes(tier: Tier, singles: number, pairs: number, sceneSeed = EVALUATION_SEED): Promise<HeldOutScene[]> {
  const collect = async (
    count: number,
    split: 'train' | 'val-combination',
    mix: { largeSingle: number; smallSingle: number; pair: number; row: number },
  ): Promise<HeldOutScene[]> => {
    const scenes = await openScenes({ tier, seed: sceneSeed, split, mix }, conditions);
    return Array.from({ length: count }, (_, i) => {
      const spec = scenes.spec(i);
      const buffers = scenes.render(spec);
      const each = (make: (id: ControlId) => Uint8Array): Record<ControlId, Uint8Array> => ({
        canny: make('canny'),
        segmentation: make('segmentation'),
        mask: make('mask'),
      });
      return {
        spec,
        rgb8: buffers.rgb8.slice(),
        maps: each((id) => buffers[id].slice()),
        pictures: each((id) => conditionImage(id, buffers)),
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
