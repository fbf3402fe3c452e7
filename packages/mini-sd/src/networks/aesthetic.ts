import * as tf from '@tensorflow/tfjs';
import { Linear, Module, withParameters } from '@controllab/core-blocks';
import { compile, type CompileOptions, type HostTensor } from '@controllab/tfjs-onnx';
import { ConvTrunk } from './conv-trunk.ts';
import { IMAGE_SIZE } from './models.ts';
import { imageBatches } from './pixels.ts';

/**
 * The mini-aesthetic predictor: scores how little a picture is spoilt, learnt from ranking graded degradations of scenes (RankIQA: Liu, van
 * de Weijer and Bagdanov 2017). Nobody's taste went into it, so it is named so wherever its numbers appear.
 */
export class MiniAesthetic extends Module {
  trunk: ConvTrunk;
  score: Linear;

  constructor() {
    super();
    this.trunk = new ConvTrunk();
    this.score = new Linear(
      ConvTrunk.WIDTHS.reduce((sum, width) => sum + width, 0),
      1,
    );
  }

  /**
   * Scores [N] of images [N, 3, 64, 64] in [-1, 1], without a unit: higher is better. Noise and blocks show in fine maps, blur and colour
   * in coarse ones.
   */
  forward(images: tf.Tensor): tf.Tensor {
    const pooled = this.trunk.forward(images).map((map) => tf.mean(map, [2, 3]));
    return tf.reshape(this.score.forward(tf.concat(pooled, 1)), [images.shape[0]!]);
  }
}

const BATCH = 64;

/** Scores pictures by the mini-aesthetic predictor. */
export interface AestheticScorer {
  /** One score an image [64, 64, 3], without a unit. */
  scores(images: readonly Uint8Array[]): Promise<number[]>;
  release(): Promise<void>;
}

/** Compiles the mini-aesthetic predictor. */
export async function compileAesthetic(weights: Record<string, HostTensor>, engine: CompileOptions = {}): Promise<AestheticScorer> {
  const predictor = new MiniAesthetic();
  const network = await compile(
    ({ inputs, constants }) => withParameters(predictor, constants, () => ({ outputs: { scores: predictor.forward(inputs['images']!) } })),
    { inputs: { images: { shape: [BATCH, 3, IMAGE_SIZE, IMAGE_SIZE] } }, constants: weights },
    { ...engine, name: 'mini-aesthetic' },
  );
  return {
    async scores(images) {
      const scores: number[] = [];
      for (const { size, batch } of imageBatches(images, BATCH)) {
        const { scores: found } = await network.run({ images: batch });
        scores.push(...found!.data.subarray(0, size));
      }
      return scores;
    },
    release: () => network.release(),
  };
}
