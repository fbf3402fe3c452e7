import * as tf from '@tensorflow/tfjs';
import { checkFinite } from '@controllab/base-model';
import { withParameters, type Weights } from '@controllab/core-blocks';
import { conditionBatch, toImages, uniform, type RgbImage } from '@controllab/data';
import { compile, type CompileOptions } from '@controllab/tfjs-onnx';
import { IMAGE_SIZE } from '../networks/models.ts';
import type { DrawnCodes } from './code-model.ts';
import { drawCode } from './draw-code.ts';
import { miniCodeTransformer, miniVq, picturesOf } from './networks.ts';

/** Draws pictures from codes. */
export interface CodeSampler {
  /**
   * A picture for each condition. The codes of picture i are drawn by numbers of (seed, i) alone: as many of the pictures may be drawn at a
   * time as one likes.
   */
  sample(conditions: readonly RgbImage[], seed: number): Promise<RgbImage[]>;
  release(): Promise<void>;
}

/**
 * Compiles both stages for so many pictures at a time: one graph gives the logits at any place, called once a code, and one decodes.
 * @param weights of both stages, under `vq.` and `prior.`
 */
export async function compileCodeSampler(
  weights: Weights,
  { count, drawing }: { count: number; drawing: DrawnCodes },
  engine: CompileOptions,
): Promise<CodeSampler> {
  const [vq, prior] = [miniVq(), miniCodeTransformer()];
  const under = (prefix: string): Weights => Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith(prefix)));
  const { length } = prior;
  const transformer = await compile(
    ({ inputs: { condition, codes, place }, constants }) =>
      withParameters({ prior }, constants, () => ({
        outputs: { logits: tf.sum(tf.mul(prior.forward(condition!, codes!), tf.reshape(place!, [1, length, 1])), 1) },
      })),
    {
      inputs: {
        condition: { shape: [count, 3, IMAGE_SIZE, IMAGE_SIZE] },
        codes: { shape: [count, length], dtype: 'int32' },
        place: { shape: [length] },
      },
      constants: under('prior.'),
    },
    { ...engine, name: 'code transformer' },
  );
  const decoder = await compile(
    ({ inputs, constants }) => withParameters({ vq }, constants, () => ({ outputs: { images: picturesOf(vq, inputs['codes']!) } })),
    { inputs: { codes: { shape: [count, length], dtype: 'int32' } }, constants: under('vq.') },
    { ...engine, name: 'code decoder' },
  );

  /** The pictures behind `first`; a batch that is not full is filled up with its last condition. */
  async function batch(conditions: readonly RgbImage[], seed: number, first: number): Promise<RgbImage[]> {
    const filled = Array.from({ length: count }, (_, n) => conditions[Math.min(n, conditions.length - 1)]!);
    const condition = conditionBatch(filled);
    const numbers = filled.map((_, n) => uniform(seed, 'codes', first + n, length));
    const codes = { data: new Int32Array(count * length), shape: [count, length] };
    for (let i = 0; i < length; i++) {
      const place = { data: Float32Array.from({ length }, (_, j) => (j === i ? 1 : 0)), shape: [length] };
      const { logits } = await transformer.run({ condition, codes, place });
      checkFinite(`What the code transformer says of code ${i}`, logits!);
      const each = logits!.data.length / count;
      for (let n = 0; n < count; n++)
        codes.data[n * length + i] = drawCode(logits!.data.subarray(n * each, (n + 1) * each) as Float32Array, numbers[n]![i]!, drawing);
    }
    const { images } = await decoder.run({ codes });
    checkFinite("The code decoder's batch of pictures", images!);
    return toImages(images!).slice(0, conditions.length);
  }

  return {
    async sample(conditions, seed) {
      const drawn: RgbImage[] = [];
      for (let first = 0; first < conditions.length; first += count)
        drawn.push(...(await batch(conditions.slice(first, first + count), seed, first)));
      return drawn;
    },
    async release() {
      await transformer.release();
      await decoder.release();
    },
  };
}
