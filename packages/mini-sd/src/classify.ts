import * as tf from '@tensorflow/tfjs';
import { catalogue } from '@controllab/emoji-scenes';
import { withParameters } from '@controllab/core-blocks';
import { compile, type HostTensor } from '@controllab/tfjs-onnx';
import { MiniClassifier } from './classifier.ts';
import { IMAGE_SIZE } from './models.ts';
import { fromImages } from './pixels.ts';

/** The id of the quick tier's object that each image [64, 64, 3] most looks like. */
export async function classify(weights: Record<string, HostTensor>, images: readonly Uint8Array[]): Promise<number[]> {
  const objects = catalogue('quick');
  const classifier = new MiniClassifier(objects.length);
  const run = await compile(
    ({ inputs, constants }) => withParameters(classifier, constants, () => ({ outputs: { best: tf.argMax(classifier.forward(inputs['images']!), 1) } })),
    { inputs: { images: { shape: [images.length, 3, IMAGE_SIZE, IMAGE_SIZE] } }, constants: weights },
    { name: 'classifier' },
  );
  const { best } = await run.run({ images: fromImages(images) });
  await run.release();
  return Array.from(best!.data, (label) => objects[label]!.id);
}
