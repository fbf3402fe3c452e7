import * as tf from '@tensorflow/tfjs';
import { CoreBlocksError } from '../errors.ts';
import { injectAt, type Injection } from './injection.ts';
import { Conv2d } from '../layers/layers.ts';
import { Module } from '../module.ts';
import { repeatRows } from '../layers/spatio-temporal.ts';
import { TimestepEmbedding, timestepEmbedding } from '../layers/timestep.ts';
import { DownBlock, MidBlock, type Conditions } from './blocks.ts';
import type { ResolvedEncoder } from './config.ts';

/** What SDXL adds to the embedding of the time step. */
export interface AddedConditions {
  /** Pooled text embedding `[N, P]`. */
  textEmbeds: tf.Tensor;
  /**
   * Original height and width, top and left of the crop, target height and width in pixels (the refiner: an aesthetic score for the last
   * two), `[N, K]`.
   */
  timeIds: tf.Tensor;
}

const invalid = (what: string, expected: string, got: tf.Tensor): never => {
  throw new CoreBlocksError('invalid-input', `${what}: expected ${expected}, got [${got.shape.join(', ')}]`, { shape: got.shape });
};

/**
 * The encoder half that a U-Net and a ControlNet share: time embedding, conv_in, down blocks, middle block.
 * Subclasses add what comes after (decoder) or beside (zero convolutions) it.
 */
export abstract class UNetEncoder extends Module {
  conv_in: Conv2d;
  time_embedding: TimestepEmbedding;
  add_embedding: TimestepEmbedding | null;
  down_blocks: DownBlock[];
  mid_block: MidBlock;
  readonly encoder: Readonly<ResolvedEncoder>;

  constructor(encoder: ResolvedEncoder) {
    super();
    const { levels, timeEmbedDim, addition, groups, video } = encoder;
    const width = (i: number) => (levels[i] as (typeof levels)[number]).channels;
    const common = { tembChannels: timeEmbedDim, groups, video };
    this.encoder = encoder;
    this.conv_in = new Conv2d(encoder.inChannels, width(0), 3, { padding: 1 });
    this.time_embedding = new TimestepEmbedding(width(0), timeEmbedDim);
    this.add_embedding = addition ? new TimestepEmbedding(addition.inputDim, timeEmbedDim) : null;
    this.down_blocks = levels.map(
      ({ channels, attention, eps }, i) =>
        new DownBlock(width(Math.max(i - 1, 0)), channels, {
          ...common,
          eps,
          layers: encoder.layersPerBlock,
          attention,
          downsample: i < levels.length - 1,
        }),
    );
    this.mid_block = new MidBlock(width(levels.length - 1), { ...common, eps: encoder.eps.mid, attention: encoder.midAttention });
  }

  /**
   * Checks the arguments of an image model and embeds its conditions.
   * @param sample `[N, C, H, W]`; `timesteps: [N]`; `context: [N, S, D]`; `added` where the config asks for it, and only there
   * @throws CoreBlocksError invalid-input
   */
  protected conditionImages(sample: tf.Tensor, timesteps: tf.Tensor, context: tf.Tensor, added: AddedConditions | undefined): Conditions {
    const { inChannels, addition, model } = this.encoder;
    const [n, c] = sample.shape;
    if (sample.rank !== 4 || c !== inChannels) invalid('sample', `[N, ${inChannels}, H, W]`, sample);
    this.#checkBatch(n as number, timesteps, context);
    if (!addition !== !added)
      throw new CoreBlocksError(
        'invalid-input',
        `addedConditions: this ${model} ${addition ? 'needs them (addition_embed_type text_time)' : 'has no use for them'}`,
        {},
      );
    return { temb: this.#embed(timesteps, added?.timeIds, added?.textEmbeds), context, frames: 1 };
  }

  /**
   * The same for a video model; the frames become part of the batch.
   * @param sample `[B, F, C, H, W]`; `timesteps: [B]`; `context: [B, S, D]`; `timeIds: [B, K]`
   * @returns the frames `x: [B F, C, H, W]` and what they are conditioned on
   * @throws CoreBlocksError invalid-input
   */
  protected conditionVideos(
    sample: tf.Tensor,
    timesteps: tf.Tensor,
    context: tf.Tensor,
    timeIds: tf.Tensor,
  ): { x: tf.Tensor; conditions: Conditions } {
    const { inChannels } = this.encoder;
    const [n, frames, c, h, w] = sample.shape as [number, number, number, number, number];
    if (sample.rank !== 5 || c !== inChannels) invalid('sample', `[B, F, ${inChannels}, H, W]`, sample);
    this.#checkBatch(n, timesteps, context);
    const temb = this.#embed(timesteps, timeIds);
    return {
      x: tf.reshape(sample, [n * frames, c, h, w]),
      conditions: { temb: repeatRows(temb, frames), context: repeatRows(context, frames), frames },
    };
  }

  /** Down blocks from the output `h: [N, C, H, W]` of conv_in; `states` begins with `h` itself and knows nothing of the injection. */
  protected runDownBlocks(h: tf.Tensor, conditions: Conditions, injection?: Injection): { x: tf.Tensor; states: tf.Tensor[] } {
    const states = [h];
    let x = injectAt('conv_in', h, injection);
    for (const [i, block] of this.down_blocks.entries()) {
      const out = block.forward(x, conditions);
      states.push(...out.states);
      x = injectAt(`down_blocks.${i}`, out.x, injection);
    }
    return { x, states };
  }

  #checkBatch(n: number, timesteps: tf.Tensor, context: tf.Tensor): void {
    if (timesteps.rank !== 1 || timesteps.shape[0] !== n) invalid('timesteps', `[${n}]`, timesteps);
    if (context.rank !== 3 || context.shape[0] !== n) invalid('encoder hidden states', `[${n}, S, D]`, context);
  }

  /**
   * `timesteps: [N]` to `[N, T]`, plus the embedding of the numbers `timeIds: [N, K]` and of a pooled text `[N, P]` where there are any.
   */
  #embed(timesteps: tf.Tensor, timeIds?: tf.Tensor, textEmbeds?: tf.Tensor): tf.Tensor {
    const { levels, addition, flipSinToCos, freqShift } = this.encoder;
    const options = { flipSinToCos, freqShift };
    const temb = this.time_embedding.forward(timestepEmbedding(timesteps, levels[0]?.channels as number, options));
    if (!addition || !this.add_embedding || !timeIds) return temb;

    const n = timesteps.shape[0] as number;
    const textWidth = textEmbeds?.shape[1] ?? 0;
    const ids = (addition.inputDim - textWidth) / addition.timeDim;
    if (textEmbeds && (textEmbeds.rank !== 2 || textEmbeds.shape[0] !== n || !Number.isInteger(ids)))
      invalid('textEmbeds', `[${n}, ${addition.inputDim} - a multiple of ${addition.timeDim}]`, textEmbeds);
    if (timeIds.rank !== 2 || timeIds.shape[0] !== n || timeIds.shape[1] !== ids) invalid('timeIds', `[${n}, ${ids}]`, timeIds);
    const sinusoids = tf.reshape(timestepEmbedding(tf.reshape(timeIds, [n * ids]), addition.timeDim, options), [n, ids * addition.timeDim]);
    return tf.add(temb, this.add_embedding.forward(textEmbeds ? tf.concat([textEmbeds, sinusoids], 1) : sinusoids));
  }
}
