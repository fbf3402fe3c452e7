import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';
import { checkEncoder, ClipEncoder, type ClipEncoderConfig } from '../clip/encoder.ts';
import { CoreBlocksError } from '../errors.ts';
import { toTokens } from '../layers/attention.ts';
import { Conv2d, Embedding, LayerNorm, Linear } from '../layers/layers.ts';
import { Module } from '../module.ts';

/** Config of a transformer over the codes of pictures under a condition; keys shared with CLIP's are transformers'. */
export interface CodeTransformerConfig extends Omit<ClipEncoderConfig, 'hidden_act' | 'layer_norm_eps'> {
  /** Size of the codebook. */
  vocab_size: number;
  /** Codes of a picture, side by side. */
  code_grid: readonly [number, number];
  /** Pixels of the condition's picture that one token stands for, along a side: 2 p for convolutions of steps p and 2. */
  condition_patch: number;
  condition_channels?: number; // 3
}

/** A condition `[N, K, H, W]` to features `[N, C, H/p, W/p]`: patches of half that side, then a 3x3 convolution of step 2. */
class ConditionGrid extends Module {
  conv_in: Conv2d;
  conv_out: Conv2d;

  constructor(inChannels: number, channels: number, patch: number) {
    super();
    this.conv_in = new Conv2d(inChannels, channels, patch / 2, { stride: patch / 2 });
    this.conv_out = new Conv2d(channels, channels, 3, { padding: 1, stride: 2 });
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.conv_out.forward(nn.silu(this.conv_in.forward(x)));
  }
}

/**
 * Distribution of a picture's codes one after the other, row by row: causal attention over the condition's tokens and the codes before.
 * Source: Esser et al. 2021, section 3.2 and equation 9 (the condition is prepended), where the condition's tokens are codes of a second
 * codebook; here they are embedded patches.
 */
export class CodeTransformer extends Module {
  condition: ConditionGrid;
  code_embedding: Embedding;
  position_embedding: Embedding;
  encoder: ClipEncoder;
  final_layer_norm: LayerNorm;
  head: Linear;
  /** Codes of a picture. */
  readonly length: number;

  /** @throws CoreBlocksError invalid-config for heads that do not divide the width, or an odd patch */
  constructor(config: CodeTransformerConfig) {
    super();
    checkEncoder('CodeTransformer', config);
    const { hidden_size: width, vocab_size: codes, condition_patch: patch, code_grid: grid } = config;
    if (patch % 2 !== 0)
      throw new CoreBlocksError('invalid-config', `CodeTransformer: condition_patch must be even, got ${patch}`, { patch });
    this.length = grid[0] * grid[1];
    this.condition = new ConditionGrid(config.condition_channels ?? 3, width, patch);
    this.code_embedding = new Embedding(codes, width, { normal: 0.02 });
    this.position_embedding = new Embedding(2 * this.length - 1, width, { normal: 0.02 });
    this.encoder = new ClipEncoder({ ...config, hidden_act: 'gelu' }, { causal: true });
    this.final_layer_norm = new LayerNorm(width);
    this.head = new Linear(width, codes, { bias: false });
  }

  /**
   * @param condition `[N, K, H, W]`, whose patches make the grid of the codes
   * @param codes int32 `[N, T]`; the last is not looked at
   * @returns logits `[N, T, V]` of every code from the condition and the codes before it
   * @throws CoreBlocksError invalid-input on wrong shapes
   */
  forward(condition: tf.Tensor, codes: tf.Tensor): tf.Tensor {
    const given = toTokens(this.condition.forward(condition));
    const [n, tokens, width] = given.shape;
    if (codes.rank !== 2 || codes.shape[1] !== this.length || tokens !== this.length)
      throw new CoreBlocksError(
        'invalid-input',
        `expected ${this.length} tokens of the condition and codes [N, ${this.length}], got ${tokens} and [${codes.shape.join(', ')}]`,
        { tokens, codes: codes.shape },
      );
    const before = this.code_embedding.forward(tf.slice(codes, [0, 0], [n, this.length - 1]));
    const x = tf.add(tf.concat([given, before], 1), this.position_embedding.weight.tensor);
    const behind = tf.slice(this.encoder.forward(x), [0, this.length - 1, 0], [n, this.length, width]);
    return this.head.forward(this.final_layer_norm.forward(behind));
  }
}
