import * as tf from '@tensorflow/tfjs';
import { withParameters } from '@controllab/core-blocks';
import { compile, type HostTensor } from '@controllab/tfjs-onnx';
import { IMAGE_SIZE } from './models.ts';
import { imageBatches } from './pixels.ts';
import { MiniSegmenter } from './segmenter.ts';

const BATCH = 32;
const PIXELS = IMAGE_SIZE * IMAGE_SIZE;

/** The class of every pixel [64 x 64] of images [64, 64, 3]: 0 background, 1 to 47 the subgroups of emoji-scenes. */
export async function segment(weights: Record<string, HostTensor>, images: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const segmenter = new MiniSegmenter();
  const network = await compile(
    ({ inputs, constants }) =>
      withParameters(segmenter, constants, () => ({ outputs: { classes: tf.argMax(segmenter.forward(inputs['images']!), 2) } })),
    { inputs: { images: { shape: [BATCH, 3, IMAGE_SIZE, IMAGE_SIZE] } }, constants: weights },
    { name: 'mini-segmenter' },
  );
  const maps: Uint8Array[] = [];
  for (const { size, batch } of imageBatches(images, BATCH)) {
    const { classes } = await network.run({ images: batch });
    for (let n = 0; n < size; n++) maps.push(Uint8Array.from(classes!.data.subarray(n * PIXELS, (n + 1) * PIXELS)));
  }
  await network.release();
  return maps;
}
