import * as tf from '@tensorflow/tfjs';
import {
  Conv2d,
  Downsample2D,
  GroupNorm,
  Module,
  Parameter,
  ResnetBlock2D,
  TimestepEmbedding,
  ZERO_INIT,
  repeatRows,
  rules,
  timestepEmbedding,
} from '@controllab/core-blocks';
import { ControlNeXtError } from './errors.ts';

/** Config of a control module; the defaults are the current version's, which SD1.5 (training), SDXL and SVD-v2 share. */
export interface ControlNeXtConfig {
  time_embed_dim?: number; // 256
  /**
   * What comes before the residual blocks: three convolutions, the first with stride 2. `unpadded` leaves out the padding of the
   * second and third (SVD-v2's inference folder; its training folder pads), `pooled` that and a 2x2 max pool behind them (SVD v1).
   * null: nothing, the residual blocks see the image (legacy SD1.5 and SDXL).
   */
  stem?: 'padded' | 'unpadded' | 'pooled' | null; // padded
  /** Widths of the residual blocks; behind each, a convolution halves the size. */
  out_channels?: readonly number[]; // [128, 256]
  /** Groups of each residual block's norms. */
  groups?: readonly number[]; // [4, 8]
  /** Between residual blocks and the last 1x1 convolution: conv, ReLU, norm, conv, norm with a residual or without, or conv, ReLU, conv. */
  middle?: 'residual' | 'normalized' | 'plain'; // residual
  final_out_channels?: number; // 320
  /** The last convolution starts at zero, as ControlNet's connections do (no release). */
  zero_convolution?: boolean; // false
  /** The scale is a parameter that starts at 1, instead of the number 1. */
  learnable_scale?: boolean; // false
}

/** What a control module gives: features, and the scale to add them with. */
export interface ControlNeXtOutput {
  control: tf.Tensor;
  scale: number | tf.Tensor;
}

const TIME_CHANNELS = 128;
const IMAGE_CHANNELS = 3;
const STEM_CHANNELS = 64;
const STEM_OUT_CHANNELS = 128;
const STEM_GROUPS = 2;
const MIDDLE_GROUPS = 8;
/** Of the residual blocks; the other norms keep PyTorch's 1e-5. */
const RESNET_EPS = 1e-6;

/** The middle convolutions, numbered as in the PyTorch Sequential; 1 is a ReLU. */
class Middle extends Module {
  0: Conv2d;
  2: GroupNorm | Conv2d;
  3: Conv2d | null;
  4: GroupNorm | null;
  #residual: boolean;

  constructor(channels: number, kind: 'residual' | 'normalized' | 'plain') {
    super();
    const conv = () => new Conv2d(channels, channels, 3, { padding: 1 });
    this[0] = conv();
    this[2] = kind === 'plain' ? conv() : new GroupNorm(MIDDLE_GROUPS, channels);
    this[3] = kind === 'plain' ? null : conv();
    this[4] = kind === 'plain' ? null : new GroupNorm(MIDDLE_GROUPS, channels);
    this.#residual = kind === 'residual';
  }

  forward(x: tf.Tensor): tf.Tensor {
    let h = this[2].forward(tf.relu(this[0].forward(x)));
    if (this[3] && this[4]) h = this[4].forward(this[3].forward(h));
    return this.#residual ? tf.add(x, h) : h;
  }
}

/** The larger of each 2x2 block; an odd last row or column is dropped, as torch's MaxPool2d(2) does. */
function maxPool2x2(x: tf.Tensor): tf.Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const [height, width] = [Math.floor(h / 2), Math.floor(w / 2)];
  const even = h === 2 * height && w === 2 * width ? x : tf.slice(x, [0, 0, 0, 0], [n, c, 2 * height, 2 * width]);
  return tf.max(tf.reshape(even, [n, c, height, 2, width, 2]), [3, 5]);
}

/**
 * ControlNeXt's control module: a small convolutional network from the condition image to features an eighth of its size, with
 * the time step but without text. {@link injectControl} adds them to a U-Net.
 * Source: ControlNeXt, section 3.2; the released `ControlNeXtModel`, `ControlNetModel` and `ControlNeXtSDVModel`, whose names the
 * parameters keep.
 */
export class ControlNeXtModel extends Module {
  scale: Parameter | null;
  time_embedding: TimestepEmbedding;
  embedding: (Conv2d | GroupNorm | null)[] | null;
  down_res: ResnetBlock2D[];
  down_sample: Downsample2D[];
  mid_convs: [Middle, Conv2d];
  readonly config: Readonly<Required<ControlNeXtConfig>>;

  constructor(config: ControlNeXtConfig = {}) {
    super();
    checkKeys(config);
    const resolved = {
      time_embed_dim: 256,
      stem: 'padded' as const,
      out_channels: [128, 256],
      groups: [4, 8],
      middle: 'residual' as const,
      final_out_channels: 320,
      zero_convolution: false,
      learnable_scale: false,
      ...config,
    };
    const { time_embed_dim: tembChannels, stem, out_channels: widths, groups } = resolved;
    checkWidths(widths, groups);
    const padding = stem === 'padded' ? 1 : 0;
    const last = widths.at(-1) as number;
    this.config = resolved;
    this.scale = resolved.learnable_scale ? new Parameter([], 'ones') : null;
    this.time_embedding = new TimestepEmbedding(TIME_CHANNELS, tembChannels);
    this.embedding =
      stem === null
        ? null
        : [
            new Conv2d(IMAGE_CHANNELS, STEM_CHANNELS, 3, { stride: 2, padding: 1 }),
            new GroupNorm(STEM_GROUPS, STEM_CHANNELS),
            null,
            new Conv2d(STEM_CHANNELS, STEM_CHANNELS, 3, { padding }),
            new GroupNorm(STEM_GROUPS, STEM_CHANNELS),
            null,
            new Conv2d(STEM_CHANNELS, STEM_OUT_CHANNELS, 3, { padding }),
            new GroupNorm(STEM_GROUPS, STEM_OUT_CHANNELS),
            null,
          ]; // the holes are ReLUs
    const first = stem === null ? IMAGE_CHANNELS : STEM_OUT_CHANNELS;
    this.down_res = widths.map(
      (width, i) => new ResnetBlock2D(widths[i - 1] ?? first, width, { tembChannels, groups: groups[i] as number, eps: RESNET_EPS }),
    );
    this.down_sample = widths.map((width) => new Downsample2D(width));
    const init = resolved.zero_convolution ? { init: ZERO_INIT } : {};
    this.mid_convs = [new Middle(last, resolved.middle), new Conv2d(last, resolved.final_out_channels, 1, init)];
  }

  /**
   * @param image condition `[N, 3, H, W]` in [0, 1] at the picture's size, or a video's `[B, F, 3, H, W]`
   * @param timesteps `[N]` (a video's `[B]`), float, in training steps
   * @returns features `[N, C, H/8, W/8]` (rounded up; a video's frames flattened into N = B F) and the scale
   * @throws ControlNeXtError invalid-input on wrong shapes
   */
  forward(image: tf.Tensor, timesteps: tf.Tensor): ControlNeXtOutput {
    const frames = image.rank === 5 ? (image.shape[1] as number) : 1;
    if (
      (image.rank !== 4 && image.rank !== 5) ||
      image.shape.at(-3) !== IMAGE_CHANNELS ||
      timesteps.rank !== 1 ||
      timesteps.shape[0] !== image.shape[0]
    ) {
      throw new ControlNeXtError(
        'invalid-input',
        `expected an image [N, 3, H, W] or [N, F, 3, H, W] and timesteps [N], got [${image.shape.join(', ')}] and [${timesteps.shape.join(', ')}]`,
        { image: image.shape, timesteps: timesteps.shape },
      );
    }
    const temb = repeatRows(
      this.time_embedding.forward(timestepEmbedding(timesteps, TIME_CHANNELS, { flipSinToCos: true, freqShift: 0 })),
      frames,
    );
    let h = this.embed(image.rank === 5 ? tf.reshape(image, [-1, ...image.shape.slice(2)]) : image);
    for (const [i, resnet] of this.down_res.entries()) h = (this.down_sample[i] as Downsample2D).forward(resnet.forward(h, temb));
    return { control: this.mid_convs[1].forward(this.mid_convs[0].forward(h)), scale: this.scale?.tensor ?? 1 };
  }

  private embed(image: tf.Tensor): tf.Tensor {
    let h = image;
    for (const layer of this.embedding ?? []) h = layer ? layer.forward(h) : tf.relu(h);
    return this.config.stem === 'pooled' ? maxPool2x2(h) : h;
  }
}

const { FLAG, WIDTH, listOf, oneOf } = rules;
/** What may stand at each key of a config. */
const KEYS: Readonly<Record<keyof ControlNeXtConfig, rules.ValueRule>> = {
  time_embed_dim: WIDTH,
  stem: oneOf('padded', 'unpadded', 'pooled', null),
  out_channels: listOf(WIDTH, 16),
  groups: listOf(WIDTH, 16),
  middle: oneOf('residual', 'normalized', 'plain'),
  final_out_channels: WIDTH,
  zero_convolution: FLAG,
  learnable_scale: FLAG,
};

/** @throws ControlNeXtError invalid-config naming every key that is unknown, or that another value stands at */
function checkKeys(config: ControlNeXtConfig): void {
  const problems = Object.entries(config).flatMap(([key, value]) => {
    const rule = Object.hasOwn(KEYS, key) ? KEYS[key as keyof ControlNeXtConfig] : undefined;
    if (rule === undefined) return [`${key}: unknown key (known: ${Object.keys(KEYS).join(', ')})`];
    return rule.accepts(value) ? [] : [`${key}: expected ${rule.expected}`];
  });
  if (problems.length)
    throw new ControlNeXtError('invalid-config', `ControlNeXtModel: cannot build this configuration:\n  ${problems.join('\n  ')}`, {
      problems,
    });
}

function checkWidths(widths: readonly number[], groups: readonly number[]): void {
  const last = widths.at(-1);
  if (
    last === undefined ||
    widths.length !== groups.length ||
    widths.some((width, i) => width % (groups[i] as number) !== 0) ||
    last % MIDDLE_GROUPS !== 0
  ) {
    throw new ControlNeXtError(
      'invalid-config',
      `ControlNeXtModel: expected as many groups as out_channels, each dividing its width, and a last width divisible by ${MIDDLE_GROUPS}; got out_channels [${widths.join(', ')}], groups [${groups.join(', ')}]`,
      { widths, groups },
    );
  }
}

const LEGACY: ControlNeXtConfig = {
  out_channels: [128, 256, 256],
  groups: [1, 8, 8],
  stem: null,
  middle: 'plain',
  final_out_channels: 1280,
  learnable_scale: true,
};

/**
 * The released modules.
 * - `current`: padded, in SD1.5's and SDXL's folders and in SVD-v2's training folder: 3,526,400 parameters.
 * - `svdInference`: SVD-v2 as its inference folder runs it: the same parameters, but two convolutions lost their padding.
 * - `sd15Legacy`: SD1.5's inference folder: 5,352,327 parameters, the count that gives the paper's 30M.
 * - `sdxlLegacy`: SDXL until July 2024: 5,353,351 parameters, the count that gives the paper's 108M.
 * - `svdV1`: 5,610,177 parameters, the count that gives the paper's 55M.
 */
export const CONTROLNEXT_MODULES = {
  current: {},
  svdInference: { stem: 'unpadded' },
  sd15Legacy: LEGACY,
  sdxlLegacy: { ...LEGACY, middle: 'normalized' },
  svdV1: { ...LEGACY, stem: 'pooled', groups: [4, 8, 8], middle: 'residual' },
} as const satisfies Record<string, ControlNeXtConfig>;
