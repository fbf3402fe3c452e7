import * as tf from '@tensorflow/tfjs';
import {
  Conv2d,
  Downsample2D,
  Module,
  ResnetBlock2D,
  Transformer2DModel,
  resolveEncoder,
  type Companion,
  type Conditions,
  type ControlStrength,
  type EncoderPlace,
  type ResolvedEncoder,
  type UNetEncoderConfig,
} from '@controllab/core-blocks';
import { connectingConv } from './connection.ts';
import { CONTROLNET_SCHEMA } from './controlnet.ts';
import { ControlNetError } from './errors.ts';
import { HintEncoder } from './hint-encoder.ts';

/** What a ControlNet-XS is made for, and how thin it is. */
export interface ControlNetXsConfig {
  /** The encoder of the U-Net that it runs beside. */
  readonly base: UNetEncoderConfig;
  /** Its widths, level by level. */
  readonly channels: readonly number[];
  /** Widths of the hint encoder. */
  readonly hint: readonly number[];
}

type Level = ResolvedEncoder['levels'][number];

const zeroConv = (from: number, to: number): Conv2d => connectingConv('zero', from, to, 1);

const greatestDivisor = (n: number, most: number): number => {
  for (let k = Math.min(n, most); k > 1; k--) if (n % k === 0) return k;
  return 1;
};

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Attention behind residual block i of a level, at the control's width. */
function attentionOf(attention: Level['attention'], channels: number, i: number, groups: number): Transformer2DModel | null {
  if (attention === null) return null;
  if (attention.kind !== 'transformer')
    throw new ControlNetError('invalid-config', `ControlNet-XS has no ${attention.kind} attention, which the U-Net has`, { ...attention });
  const { heads, contextChannels, linearProjection, layers } = attention;
  if (channels % heads !== 0)
    throw new ControlNetError('invalid-config', `${channels} channels of a ControlNet-XS must be divisible by the U-Net's ${heads} heads`, {
      channels,
      heads,
    });
  const depth = typeof layers === 'number' ? layers : (layers[i] as number);
  return new Transformer2DModel(channels, { heads, contextChannels, linearProjection, groups, layers: depth });
}

/** Widths of one level: what comes in and what goes out, of base and control. */
interface Widths {
  readonly base: readonly [number, number];
  readonly control: readonly [number, number];
}

/** A level of the thin encoder, with its connections from and to the base. */
class XsDownBlock extends Module {
  resnets: ResnetBlock2D[];
  base_to_ctrl: Conv2d[];
  ctrl_to_base: Conv2d[];
  attentions: (Transformer2DModel | null)[];
  downsamplers: Downsample2D | null;

  constructor({ layers, attention }: Level, { base, control }: Widths, encoder: ResolvedEncoder, downsample: boolean) {
    super();
    const [[baseIn, baseOut], [controlIn, controlOut]] = [base, control];
    const groups = (channels: number): number => greatestDivisor(channels, encoder.groups);
    const seen = Array.from({ length: layers }, (_, i) => ({ base: i === 0 ? baseIn : baseOut, own: i === 0 ? controlIn : controlOut }));
    this.resnets = seen.map(
      ({ base: from, own }) =>
        new ResnetBlock2D(own + from, controlOut, {
          tembChannels: encoder.timeEmbedDim,
          groups: groups(own + from),
          groupsOut: groups(controlOut),
          eps: 1e-5, // whatever the U-Net's, as in diffusers
        }),
    );
    this.attentions = seen.map((_, i) => attentionOf(attention, controlOut, i, groups(controlOut)));
    this.downsamplers = downsample ? new Downsample2D(controlOut + baseOut, controlOut) : null;
    this.base_to_ctrl = [...seen.map(({ base: from }) => from), ...(downsample ? [baseOut] : [])].map((width) => zeroConv(width, width));
    this.ctrl_to_base = this.base_to_ctrl.map(() => zeroConv(controlOut, baseOut));
  }

  /** Layer i: its state from the one before and from what goes into the base's layer. */
  layer(i: number, h: tf.Tensor, input: tf.Tensor, { temb, context }: Conditions): tf.Tensor {
    const joined = tf.concat([h, this.base_to_ctrl[i]!.forward(input)], 1);
    if (i === this.resnets.length) return this.downsamplers!.forward(joined);
    const x = this.resnets[i]!.forward(joined, temb);
    return this.attentions[i]?.forward(x, context) ?? x;
  }
}

/** Residual block, attention, residual block: diffusers' middle block with another width coming in than going out. */
class XsMidStack extends Module {
  attentions: Transformer2DModel[];
  resnets: ResnetBlock2D[];

  constructor(attention: Level['attention'], { base: [base], control: [control] }: Widths, encoder: ResolvedEncoder) {
    super();
    const groups = greatestDivisor(gcd(control, control + base), encoder.groups);
    // diffusers makes this block with the default epsilon of its class, whatever the U-Net's.
    const options = { tembChannels: encoder.timeEmbedDim, groups, eps: 1e-6 };
    this.resnets = [new ResnetBlock2D(control + base, control, options), new ResnetBlock2D(control, control, options)];
    this.attentions = [attentionOf(attention, control, 0, groups)!];
  }

  forward(x: tf.Tensor, temb: tf.Tensor | null, context: tf.Tensor): tf.Tensor {
    const [first, second] = this.resnets as [ResnetBlock2D, ResnetBlock2D];
    return second.forward(this.attentions[0]!.forward(first.forward(x, temb), context), temb);
  }
}

class XsMidBlock extends Module {
  base_to_ctrl: Conv2d;
  midblock: XsMidStack;
  ctrl_to_base: Conv2d;

  constructor(attention: Level['attention'], widths: Widths, encoder: ResolvedEncoder) {
    super();
    const [[base], [control]] = [widths.base, widths.control];
    this.base_to_ctrl = zeroConv(base, base);
    this.midblock = new XsMidStack(attention, widths, encoder);
    this.ctrl_to_base = zeroConv(control, base);
  }

  layer(h: tf.Tensor, input: tf.Tensor, { temb, context }: Conditions): tf.Tensor {
    return this.midblock.forward(tf.concat([h, this.base_to_ctrl.forward(input)], 1), temb, context);
  }
}

class XsUpConnections extends Module {
  ctrl_to_base: Conv2d[];

  constructor(convolutions: readonly Conv2d[]) {
    super();
    this.ctrl_to_base = [...convolutions];
  }
}

/**
 * ControlNet-XS: a thin encoder of its own beside the locked U-Net's. In front of every layer it is given what goes into the base's
 * layer, and what comes out of it is added to what comes out of the base's, so that each sees the other at once; in the decoder its states
 * are added in front of every residual block. It embeds no time, but reads the base's embedding (diffusers' default).
 * Source: Zavadski et al. 2023 (arXiv 2312.06573), section 3; diffusers `ControlNetXSAdapter` and `UNetControlNetXSModel`.
 */
export class ControlNetXs extends Module {
  controlnet_cond_embedding: HintEncoder;
  conv_in: Conv2d;
  control_to_base_for_conv_in: Conv2d;
  down_blocks: XsDownBlock[];
  mid_block: XsMidBlock;
  up_connections: XsUpConnections[];
  /** Which level's which layer gives each of the encoder's states behind the first. */
  readonly #layers: readonly { readonly level: number; readonly layer: number }[];

  /** @throws ControlNetError, CoreBlocksError invalid-config */
  constructor({ base, channels, hint }: ControlNetXsConfig) {
    super();
    const encoder = resolveEncoder({ ...CONTROLNET_SCHEMA, model: 'ControlNetXs' }, base);
    const { levels, mid } = encoder;
    if (channels.length !== levels.length || mid?.attention === null || mid === null)
      throw new ControlNetError(
        'invalid-config',
        `ControlNet-XS needs a width for each of ${levels.length} levels and a middle block with attention`,
        {
          channels,
        },
      );
    const last = levels.length - 1;
    const pair = (of: (i: number) => number, i: number): [number, number] => [of(Math.max(i - 1, 0)), of(i)];
    const [baseOf, ownOf] = [(i: number) => levels[i]!.channels, (i: number) => channels[i]!];
    const middle: Widths = { base: [baseOf(last), baseOf(last)], control: [ownOf(last), ownOf(last)] };
    this.controlnet_cond_embedding = new HintEncoder(3, hint, ownOf(0), 'zero');
    this.conv_in = new Conv2d(encoder.inChannels, ownOf(0), 3, { padding: 1 });
    this.control_to_base_for_conv_in = zeroConv(ownOf(0), baseOf(0));
    this.down_blocks = levels.map(
      (level, i) => new XsDownBlock(level, { base: pair(baseOf, i), control: pair(ownOf, i) }, encoder, i < last),
    );
    this.mid_block = new XsMidBlock(mid.attention, middle, encoder);
    this.#layers = levels.flatMap(({ layers }, level) =>
      Array.from({ length: layers + Number(level < last) }, (_, layer) => ({ level, layer })),
    );
    const skips = [ownOf(0), ...this.#layers.map(({ level }) => ownOf(level))];
    this.up_connections = levels.toReversed().map(({ channels: out, layers }, i) => {
      const before = levels[Math.min(last - i + 1, last)]!.channels;
      return new XsUpConnections(Array.from({ length: layers + 1 }, (_, j) => zeroConv(skips.pop()!, j === 0 ? before : out)));
    });
  }

  /**
   * The network beside one pass of the U-Net.
   * @param condition `[N, 3, f H, f W]` in [0, 1]
   * @param strength multiplies what is added to the base
   */
  beside(condition: tf.Tensor, strength: ControlStrength): Companion {
    const toBase = (x: tf.Tensor, connection: Conv2d, h: tf.Tensor): tf.Tensor => {
      const given = connection.forward(h);
      return tf.add(x, strength === 1 ? given : tf.mul(given, strength));
    };
    const states: tf.Tensor[] = [];
    const intoDecoder = this.up_connections.flatMap(({ ctrl_to_base }) => ctrl_to_base).toReversed();
    return {
      encoded: (x, place) => {
        const { h, connection } = this.#step(place, states.at(-1), condition);
        states.push(h);
        return toBase(x, connection, h);
      },
      decoding: (x, state) => toBase(x, intoDecoder[state]!, states[state]!),
    };
  }

  /** The state at a place of the encoder, from the one before, and what connects it to the base's. */
  #step(
    { state, input, conditions }: EncoderPlace,
    before: tf.Tensor | undefined,
    condition: tf.Tensor,
  ): { h: tf.Tensor; connection: Conv2d } {
    if (before === undefined) {
      const h = tf.add(this.conv_in.forward(input), this.controlnet_cond_embedding.forward(condition));
      return { h, connection: this.control_to_base_for_conv_in };
    }
    const at = this.#layers[state - 1];
    if (at === undefined) return { h: this.mid_block.layer(before, input, conditions), connection: this.mid_block.ctrl_to_base };
    const block = this.down_blocks[at.level]!;
    return { h: block.layer(at.layer, before, input, conditions), connection: block.ctrl_to_base[at.layer]! };
  }
}
