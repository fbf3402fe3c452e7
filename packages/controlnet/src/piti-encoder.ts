import * as tf from '@tensorflow/tfjs';
import { BasicTransformerBlock, LayerNorm, Module, Parameter, timestepEmbedding, toTokens } from '@controllab/core-blocks';
import { HintEncoder } from './hint-encoder.ts';

/** Longest wavelength of the positions, in tokens. */
const MAX_PERIOD = 100;
/** Channels of a head, where they divide the width. */
const HEAD = 64;

/** Where the tokens of a map `[h, w]` stand: `[1, h w, C]`, half of the channels waves of the row, half of the column. */
function positions(height: number, width: number, channels: number): tf.Tensor {
  const waves = (count: number, size: number): tf.Tensor =>
    timestepEmbedding(tf.tensor1d(Array.from({ length: count }, (_, i) => i)), size, {
      flipSinToCos: false,
      freqShift: 0,
      maxPeriod: MAX_PERIOD,
    });
  const half = Math.floor(channels / 2);
  const rows = tf.tile(tf.reshape(waves(height, half), [height, 1, half]), [1, width, 1]);
  const columns = tf.tile(tf.reshape(waves(width, channels - half), [1, width, channels - half]), [height, 1, 1]);
  return tf.reshape(tf.concat([rows, columns], 2), [1, height * width, channels]);
}

/**
 * A condition as tokens of the space that a text encoder fills: convolutions with a step of 2 between each two widths, then pre-norm
 * transformer layers over the map's tokens and a class token, and a layer norm. Source: Wang et al. 2022, section 3.2, and
 * PITI-Synthesis/PITI, `Encoder`; there positions are learned for one size, and convolutions have norms.
 */
export class PitiEncoder extends Module {
  cnn: HintEncoder;
  class_token: Parameter;
  transformer: BasicTransformerBlock[];
  final_ln: LayerNorm;

  constructor(conditionChannels: number, widths: readonly number[], channels: number, layers: number) {
    super();
    this.cnn = new HintEncoder(conditionChannels, [...widths, channels], channels, 'gaussian');
    this.class_token = new Parameter([channels], { normal: 0.02 });
    const heads = channels % HEAD === 0 ? channels / HEAD : 1;
    this.transformer = Array.from(
      { length: layers },
      () => new BasicTransformerBlock(channels, heads, null, { activation: 'gelu', attentionBias: true }),
    );
    this.final_ln = new LayerNorm(channels);
  }

  /**
   * `condition: [N, K, H, W]` to `[N, T, C]`: the map's tokens row by row, then copies of the class token, one at least, that make T a
   * multiple of `textTokens`. The copies, which stay alike, let the text stand in for the tokens (`repeatTokens`).
   */
  forward(condition: tf.Tensor, textTokens: number): tf.Tensor {
    const map = this.cnn.forward(condition);
    const [n, channels, height, width] = map.shape as [number, number, number, number];
    const copies = textTokens - ((height * width) % textTokens);
    const tokens = tf.add(toTokens(map), positions(height, width, channels));
    const spare = tf.tile(tf.reshape(this.class_token.tensor, [1, 1, channels]), [n, copies, 1]);
    return this.final_ln.forward(this.transformer.reduce((x, block) => block.forward(x), tf.concat([tokens, spare], 1)));
  }
}
