import * as tf from '@tensorflow/tfjs';
import { CoreBlocksError } from '../errors.ts';
import type { Companion } from './companion.ts';
import { injectAt, type Injection } from './injection.ts';
import { activate } from '../layers/activation.ts';
import { Conv2d, Embedding, Linear } from '../layers/layers.ts';
import { Module } from '../module.ts';
import { repeatRows } from '../layers/spatio-temporal.ts';
import { GaussianFourierProjection, TimestepEmbedding, timestepEmbedding } from '../layers/timestep.ts';
import { DownBlock, MidBlock, type Conditions } from './blocks.ts';
import {
  ImageProjection,
  ImageTimeEmbedding,
  TextImageProjection,
  TextImageTimeEmbedding,
  TextTimeEmbedding,
} from './condition-embeddings.ts';
import type { ResolvedEncoder } from './config.ts';

/** What is added to the embedding of the time step, as a config's addition_embed_type and encoder_hid_dim_type ask for it. */
export interface AddedConditions {
  /** Pooled text embedding `[N, P]` (text_time, text_image). */
  textEmbeds?: tf.Tensor;
  /**
   * Original height and width, top and left of the crop, target height and width in pixels (the refiner: an aesthetic score for the last
   * two), `[N, K]` (text_time).
   */
  timeIds?: tf.Tensor;
  /** Image embedding `[N, D]` (text_image, image, text_image_proj, image_proj). */
  imageEmbeds?: tf.Tensor;
}

/** What a U-Net of images is conditioned on beside time and text, where its config asks for it. */
export interface ConditionOptions {
  addedConditions?: AddedConditions;
  /** Class ids `[N]` (int32 for a table, float for class_embed_type timestep), or features `[N, P]` that are projected. */
  classLabels?: tf.Tensor;
  /** What time_cond_proj_dim projects, `[N, G]`; nothing is added without it. */
  timestepCondition?: tf.Tensor;
}

const invalid = (what: string, expected: string, got: tf.Tensor): never => {
  throw new CoreBlocksError('invalid-input', `${what}: expected ${expected}, got [${got.shape.join(', ')}]`, { shape: got.shape });
};

type AdditionModule = TimestepEmbedding | TextTimeEmbedding | TextImageTimeEmbedding | ImageTimeEmbedding;
type ClassModule = Embedding | TimestepEmbedding | Linear;

function additionModule({ addition, time }: ResolvedEncoder): AdditionModule | null {
  if (!addition) return null;
  if (addition.kind === 'text_time') return new TimestepEmbedding(addition.inputDim, time.dim);
  if (addition.kind === 'text') return new TextTimeEmbedding(addition.channels, time.dim, addition.heads);
  return addition.kind === 'image'
    ? new ImageTimeEmbedding(addition.channels, time.dim)
    : new TextImageTimeEmbedding(addition.channels, time.dim);
}

function classModule({ classes, time }: ResolvedEncoder): ClassModule | null {
  if (!classes || classes.kind === 'identity') return null;
  if (classes.kind === 'table') return new Embedding(classes.count, time.dim);
  if (classes.kind === 'timestep') return new TimestepEmbedding(time.inputDim, time.dim, time.dim, { activation: classes.activation });
  return classes.kind === 'projection' ? new TimestepEmbedding(classes.inputDim, time.dim) : new Linear(classes.inputDim, time.dim);
}

function contextModule({ contextProjection, attendedChannels }: ResolvedEncoder): Linear | TextImageProjection | ImageProjection | null {
  if (!contextProjection) return null;
  const { kind, channels } = contextProjection;
  if (kind === 'text_proj') return new Linear(channels, attendedChannels);
  return kind === 'image_proj' ? new ImageProjection(channels, attendedChannels) : new TextImageProjection(channels, attendedChannels);
}

/**
 * The encoder half that a U-Net and a ControlNet share: time embedding, conv_in, down blocks, middle block.
 * Subclasses add what comes after (decoder) or beside (zero convolutions) it.
 */
export abstract class UNetEncoder extends Module {
  conv_in: Conv2d;
  time_proj: GaussianFourierProjection | null;
  time_embedding: TimestepEmbedding;
  add_embedding: AdditionModule | null;
  class_embedding: ClassModule | null;
  encoder_hid_proj: Linear | TextImageProjection | ImageProjection | null;
  down_blocks: DownBlock[];
  mid_block: MidBlock | null;
  readonly encoder: Readonly<ResolvedEncoder>;

  constructor(encoder: ResolvedEncoder) {
    super();
    const { levels, time, timeEmbedDim, mid, convInKernel: kernel } = encoder;
    const width = (i: number) => (levels[i] as (typeof levels)[number]).channels;
    const common = commonOptions(encoder);
    this.encoder = encoder;
    this.conv_in = new Conv2d(encoder.inChannels, width(0), kernel, { padding: (kernel - 1) / 2 });
    this.time_proj = time.type === 'fourier' ? new GaussianFourierProjection(time.dim / 2, time.flipSinToCos) : null;
    this.time_embedding = new TimestepEmbedding(time.inputDim, time.dim, time.dim, time);
    this.add_embedding = additionModule(encoder);
    this.class_embedding = classModule(encoder);
    this.encoder_hid_proj = contextModule(encoder);
    this.down_blocks = levels.map(
      (level, i) =>
        new DownBlock(width(Math.max(i - 1, 0)), level.channels, {
          ...common,
          ...level,
          tembChannels: timeEmbedDim,
          downsample: i < levels.length - 1,
          downsamplePadding: encoder.downsamplePadding,
        }),
    );
    this.mid_block = mid && new MidBlock(width(levels.length - 1), { ...common, ...mid, tembChannels: timeEmbedDim, eps: encoder.eps.mid });
  }

  /**
   * Checks the arguments of an image model and embeds its conditions.
   * @param sample `[N, C, H, W]`; `timesteps: [N]`; `context: [N, S, D]`; the others where the config asks for them, and only there
   * @throws CoreBlocksError invalid-input
   */
  protected conditionImages(sample: tf.Tensor, timesteps: tf.Tensor, context: tf.Tensor, options: ConditionOptions): Conditions {
    const { inChannels } = this.encoder;
    const [n, c] = sample.shape;
    if (sample.rank !== 4 || c !== inChannels) invalid('sample', `[N, ${inChannels}, H, W]`, sample);
    this.#checkBatch(n as number, timesteps, context);
    const added = this.#checkAdded(options.addedConditions);
    const temb = this.#embed(timesteps, context, added, options);
    return { temb, context: this.#project(context, added), frames: 1 };
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
    const temb = this.#embed(timesteps, context, { timeIds }, {});
    return {
      x: tf.reshape(sample, [n * frames, c, h, w]),
      conditions: { temb: repeatRows(temb, frames), context: repeatRows(context, frames), frames },
    };
  }

  /** Down blocks from the output `h: [N, C, H, W]` of conv_in; `states` begins with `h` itself and knows nothing of the injection. */
  protected runDownBlocks(
    h: tf.Tensor,
    conditions: Conditions,
    { inject: injection, companion }: { inject?: Injection; companion?: Companion } = {},
  ): { x: tf.Tensor; states: tf.Tensor[] } {
    const states = [h];
    let x = injectAt('conv_in', h, injection);
    for (const [i, block] of this.down_blocks.entries()) {
      const out = block.forward(x, conditions, companion && { companion, first: states.length });
      states.push(...out.states);
      x = injectAt(`down_blocks.${i}`, out.x, injection);
    }
    return { x, states };
  }

  #checkBatch(n: number, timesteps: tf.Tensor, context: tf.Tensor): void {
    const { contextChannels, contextProjection } = this.encoder;
    if (timesteps.rank !== 1 || timesteps.shape[0] !== n) invalid('timesteps', `[${n}]`, timesteps);
    if (contextProjection?.kind === 'image_proj') return; // tokens are made of the image embedding alone
    if (context.rank !== 3 || context.shape[0] !== n) invalid('encoder hidden states', `[${n}, S, D]`, context);
    if (context.shape[2] !== contextChannels) invalid('encoder hidden states', `[${n}, S, ${contextChannels}]`, context);
  }

  /** Exactly the added conditions that the config asks for. @throws CoreBlocksError invalid-input */
  #checkAdded(added: AddedConditions | undefined): AddedConditions {
    const { addition, contextProjection, model } = this.encoder;
    const wanted = new Set<keyof AddedConditions>();
    if (addition?.kind === 'text_time') wanted.add('textEmbeds').add('timeIds');
    if (addition?.kind === 'text_image') wanted.add('textEmbeds').add('imageEmbeds');
    if (addition?.kind === 'image' || (contextProjection && contextProjection.kind !== 'text_proj')) wanted.add('imageEmbeds');
    const given = new Set((Object.keys(added ?? {}) as (keyof AddedConditions)[]).filter((name) => added?.[name] !== undefined));
    if (wanted.size !== given.size || [...wanted].some((name) => !given.has(name)))
      throw new CoreBlocksError(
        'invalid-input',
        `addedConditions: this ${model} ${wanted.size ? `needs them: ${[...wanted].join(' and ')} (addition_embed_type ${addition?.kind ?? 'null'})` : 'has no use for them'}; got ${[...given].join(' and ') || 'none'}`,
        {},
      );
    return added ?? {};
  }

  /** What is attended to, made of the context and an image embedding where the config asks for it. */
  #project(context: tf.Tensor, { imageEmbeds }: AddedConditions): tf.Tensor {
    const projection = this.encoder_hid_proj;
    if (projection === null) return context;
    if (projection instanceof Linear) return projection.forward(context);
    if (projection instanceof ImageProjection) return projection.forward(imageEmbeds as tf.Tensor);
    return projection.forward(context, imageEmbeds as tf.Tensor);
  }

  /** `timesteps: [N]` to what blocks see, `[N, T]`: their embedding and those of a class, of size conditions, of a pooled text or image. */
  #embed(timesteps: tf.Tensor, context: tf.Tensor, added: AddedConditions, options: ConditionOptions): tf.Tensor {
    const { time, concatClasses } = this.encoder;
    if (options.timestepCondition && time.conditionChannels === null)
      invalid('timestepCondition', 'none (the config has no time_cond_proj_dim)', options.timestepCondition);
    let temb = this.time_embedding.forward(this.#waves(timesteps), options.timestepCondition);
    const classes = this.#classes(timesteps.shape[0] as number, options.classLabels);
    if (classes) temb = concatClasses ? tf.concat([temb, classes], 1) : tf.add(temb, classes);
    const addition = this.#addition(timesteps.shape[0] as number, context, added);
    if (addition) temb = tf.add(temb, addition);
    return time.lastActivation ? activate(temb, time.lastActivation) : temb;
  }

  #waves(timesteps: tf.Tensor): tf.Tensor {
    const { time } = this.encoder;
    return this.time_proj ? this.time_proj.forward(timesteps) : timestepEmbedding(timesteps, time.inputDim, time);
  }

  #classes(n: number, labels: tf.Tensor | undefined): tf.Tensor | null {
    const { classes, time, model } = this.encoder;
    if (!classes !== !labels)
      throw new CoreBlocksError(
        'invalid-input',
        `classLabels: this ${model} ${classes ? `needs them (class_embed_type ${classes.kind})` : 'has no use for them'}`,
        {},
      );
    if (!classes || !labels) return null;
    const width = classes.kind === 'identity' ? time.dim : 'inputDim' in classes ? classes.inputDim : null;
    if (labels.shape[0] !== n || (width === null ? labels.rank !== 1 : labels.rank !== 2 || labels.shape[1] !== width))
      invalid('classLabels', width === null ? `[${n}]` : `[${n}, ${width}]`, labels);
    if (this.class_embedding === null) return labels;
    if (this.class_embedding instanceof Embedding)
      return tf.reshape(this.class_embedding.forward(tf.reshape(labels, [n, 1])), [n, time.dim]);
    return this.class_embedding.forward(classes.kind === 'timestep' ? this.#waves(labels) : labels);
  }

  #addition(n: number, context: tf.Tensor, { textEmbeds, timeIds, imageEmbeds }: AddedConditions): tf.Tensor | null {
    const embedding = this.add_embedding;
    if (embedding === null) return null;
    if (embedding instanceof TextTimeEmbedding) return embedding.forward(context);
    if (embedding instanceof TextImageTimeEmbedding) return embedding.forward(textEmbeds as tf.Tensor, imageEmbeds as tf.Tensor);
    if (embedding instanceof ImageTimeEmbedding) return embedding.forward(imageEmbeds as tf.Tensor);
    return embedding.forward(this.#numbers(n, timeIds as tf.Tensor, textEmbeds));
  }

  /** Sinusoids of the numbers `timeIds: [N, K]`, behind a pooled text `[N, P]` where there is one. */
  #numbers(n: number, timeIds: tf.Tensor, textEmbeds: tf.Tensor | undefined): tf.Tensor {
    const { time } = this.encoder;
    const { inputDim, timeDim } = this.encoder.addition as { inputDim: number; timeDim: number };
    const textWidth = textEmbeds?.shape[1] ?? 0;
    const ids = (inputDim - textWidth) / timeDim;
    if (textEmbeds && (textEmbeds.rank !== 2 || textEmbeds.shape[0] !== n || !Number.isInteger(ids)))
      invalid('textEmbeds', `[${n}, ${inputDim} - a multiple of ${timeDim}]`, textEmbeds);
    if (timeIds.rank !== 2 || timeIds.shape[0] !== n || timeIds.shape[1] !== ids) invalid('timeIds', `[${n}, ${ids}]`, timeIds);
    const { flipSinToCos, freqShift } = time;
    const sinusoids = tf.reshape(timestepEmbedding(tf.reshape(timeIds, [n * ids]), timeDim, { flipSinToCos, freqShift }), [
      n,
      ids * timeDim,
    ]);
    return textEmbeds ? tf.concat([textEmbeds, sinusoids], 1) : sinusoids;
  }
}

/** What all blocks of a network have in common. */
export const commonOptions = ({ groups, video, activation, timeScaleShift }: ResolvedEncoder) => ({
  groups,
  video,
  activation,
  timeScaleShift,
});
