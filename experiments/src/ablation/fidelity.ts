import { canny } from '@controllab/emoji-scenes';
import { edgeF1 } from '@controllab/metrics';
import { IMAGE_SIZE } from '@controllab/mini-sd';
import type { HeldOutScene } from './held-out.ts';

/** Per image: agreement of the edges extracted from a generated image with the condition it was given. */
export interface Fidelity {
  /** Edge F1, a pixel matching within its 3 x 3 neighbourhood. */
  tolerant: number[];
  /** Edge F1, pixel by pixel. */
  exact: number[];
}

/** Re-extracts the condition from generated images and compares: the condition fidelity of ControlNet++ and others, for Canny edges. */
export function conditionFidelity(images: readonly Uint8Array[], scenes: readonly HeldOutScene[]): Fidelity {
  const scores = images.map((image, i) => {
    const edges = canny(image, IMAGE_SIZE, IMAGE_SIZE);
    const f1 = (tolerance: 0 | 1): number => edgeF1(edges, scenes[i]!.canny, IMAGE_SIZE, IMAGE_SIZE, { tolerance }).f1;
    return { tolerant: f1(1), exact: f1(0) };
  });
  return { tolerant: scores.map((s) => s.tolerant), exact: scores.map((s) => s.exact) };
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
