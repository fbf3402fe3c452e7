import { normal, uniform, writeImage } from '@controllab/data';
import type { SceneExample } from '@controllab/emoji-scenes';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { IMAGE_SIZE } from '../networks/models.ts';

/**
 * The images [N, 3, 64, 64] of a training batch for the networks that judge: each with Gaussian pixel noise of its own strength, up to
 * `strongest`, so that a judge reads imperfect pictures too. `drawn` sees each scene before the next is
 * drawn: what it reads off it costs no second drawing.
 */
export function noisyImages(
  examples: readonly SceneExample[],
  { seed, step, strongest }: { seed: number; step: number; strongest: number },
  drawn: (example: SceneExample, n: number) => void = () => {},
): HostTensor {
  const size = 3 * IMAGE_SIZE * IMAGE_SIZE;
  const data = new Float32Array(examples.length * size);
  const strength = uniform(seed, 'noise-strength', step, examples.length);
  const noise = normal(seed, 'pixel-noise', step, data.length);
  examples.forEach((example, n) => {
    writeImage(example.image.rgb, data, n);
    for (let j = n * size; j < (n + 1) * size; j++) data[j]! += strongest * strength[n]! * noise[j]!;
    drawn(example, n);
  });
  return { data, shape: [examples.length, 3, IMAGE_SIZE, IMAGE_SIZE] };
}

/** Scene numbers of a step: no scene repeats within a run. */
export const sceneNumbers = (step: number, batchSize: number): number[] =>
  Array.from({ length: batchSize }, (_, n) => step * batchSize + n);
