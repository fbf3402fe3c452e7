import { normal, uniform } from '@controllab/data';
import type { SceneBuffers, SceneSpec } from '@controllab/emoji-scenes';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { IMAGE_SIZE } from '../models.ts';
import { writeImage } from '@controllab/data';

/**
 * The images [N, 3, 64, 64] of a training batch for the networks that judge: each with Gaussian pixel noise of its own strength, up to
 * `strongest`, so that a judge reads imperfect pictures too. `drawn` sees the buffers of each scene before the next is drawn.
 */
export function noisyImages(
  specs: readonly SceneSpec[],
  render: (spec: SceneSpec) => SceneBuffers,
  { seed, step, strongest }: { seed: number; step: number; strongest: number },
  drawn: (n: number, buffers: SceneBuffers) => void = () => {},
): HostTensor {
  const size = 3 * IMAGE_SIZE * IMAGE_SIZE;
  const data = new Float32Array(specs.length * size);
  const strength = uniform(seed, 'noise-strength', step, specs.length);
  const noise = normal(seed, 'pixel-noise', step, data.length);
  specs.forEach((spec, n) => {
    const buffers = render(spec);
    writeImage(buffers.rgb8, data, n);
    for (let j = n * size; j < (n + 1) * size; j++) data[j]! += strongest * strength[n]! * noise[j]!;
    drawn(n, buffers);
  });
  return { data, shape: [specs.length, 3, IMAGE_SIZE, IMAGE_SIZE] };
}

/** Scene numbers of a step: no scene repeats within a run. */
export const sceneNumbers = (step: number, batchSize: number): number[] =>
  Array.from({ length: batchSize }, (_, n) => step * batchSize + n);
