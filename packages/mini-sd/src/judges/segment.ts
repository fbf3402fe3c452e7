import * as tf from '@tensorflow/tfjs';
import { withParameters } from '@controllab/core-blocks';
import { compile, type CompileOptions, type HostTensor } from '@controllab/tfjs-onnx';
import { IMAGE_SIZE } from '../networks/models.ts';
import { imageBatches } from '../networks/pixels.ts';
import { MiniSegmenter } from '../networks/segmenter.ts';

const BATCH = 32;
const PIXELS = IMAGE_SIZE * IMAGE_SIZE;

/** Reads segmentation maps back from pictures. */
export interface Segmenter {
  /** The class of every pixel [64 x 64] of images [64, 64, 3]: 0 background, 1 to 47 the subgroups of emoji-scenes. */
  segment(images: readonly Uint8Array[]): Promise<Uint8Array[]>;
  release(): Promise<void>;
}

/** Compiles the mini-segmenter. */
export async function compileSegmenter(weights: Record<string, HostTensor>, engine: CompileOptions = {}): Promise<Segmenter> {
  const segmenter = new MiniSegmenter();
  const network = await compile(
    ({ inputs, constants }) =>
      withParameters(segmenter, constants, () => ({ outputs: { classes: tf.argMax(segmenter.forward(inputs['images']!), 2) } })),
    { inputs: { images: { shape: [BATCH, 3, IMAGE_SIZE, IMAGE_SIZE] } }, constants: weights },
    { ...engine, name: 'mini-segmenter' },
  );
  return {
    async segment(images) {
      const maps: Uint8Array[] = [];
      for (const { size, batch } of imageBatches(images, BATCH)) {
        const { classes } = await network.run({ images: batch });
        for (let n = 0; n < size; n++) maps.push(Uint8Array.from(classes!.data.subarray(n * PIXELS, (n + 1) * PIXELS)));
      }
      return maps;
    },
    release: () => network.release(),
  };
}
