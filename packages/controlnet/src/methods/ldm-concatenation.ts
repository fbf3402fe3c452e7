import * as tf from '@tensorflow/tfjs';
import { initialize, Module, Parameter, readConstant, type Init, type Method, type Weights } from '@controllab/core-blocks';
import { nn, type HostTensor } from '@controllab/tfjs-onnx';
import { ControlNetError } from '../errors.ts';
import { HintEncoder } from '../hint-encoder.ts';
import { hintWidths } from './hint-widths.ts';

/** Channels that an encoded condition becomes: as many as the latents of the condition would have. */
const CHANNELS = 4;

export interface ConcatenationChoices {
  /** `random`: the U-Net starts from random weights too, as LDM's own conditional models were trained. */
  readonly base?: 'pretrained' | 'random';
  /**
   * What is concatenated: what a hint encoder makes of the condition, or the condition itself at the latents' size, as one channel in
   * [-1, 1], as Stable Diffusion 2's depth-to-image model has it.
   */
  readonly condition?: 'encoded' | 'resized';
  /** The share of the encoder's rate at which the U-Net trains, its widened input with it; the whole by default. */
  readonly baseRate?: number;
}

/**
 * Concatenation, latent diffusion's own way to condition on images: the encoded condition beside the noisy latents, and the whole U-Net
 * trains. LDM encodes a condition as it encodes pictures; here the hint encoder of ControlNet does, and trains too. The widened input
 * starts with zero weights as InstructPix2Pix's does, so that the model starts as the base (but for rounding: a convolution over more
 * channels sums in another order).
 * Source: Rombach et al. 2022, section 3.3; Brooks et al. 2023, section 3.2; `LatentDepth2ImageDiffusion` of Stability-AI/stablediffusion,
 * which resizes bicubically and stretches every map to its own extremes, where this takes means and leaves the maps' range as it is.
 */
export const ldmConcatenation = ({
  base: start = 'pretrained',
  condition = 'encoded',
  baseRate = 1,
}: ConcatenationChoices = {}): Method => ({
  id: ['ldm-concatenation', ...(condition === 'resized' ? ['resized'] : []), ...(start === 'random' ? ['random'] : [])].join('-'),
  label: `${start === 'random' ? 'LDM from scratch' : 'LDM concatenation'}${condition === 'resized' ? ', resized' : ''}`,
  description: `the ${condition === 'resized' ? 'condition, at the latents’ size,' : 'encoded condition'} is concatenated to the noisy latents, and the whole U-Net trains${start === 'random' ? ', from random weights' : ''}${baseRate === 1 ? '' : `, at ${baseRate} of the encoder’s rate`}`,
  config: {
    channels: condition === 'resized' ? 1 : CHANNELS,
    ...(start === 'random' ? { base: start } : {}),
    ...(condition === 'resized' ? { condition } : {}),
    ...(baseRate === 1 ? {} : { baseRate }),
  },
  create(target) {
    const { family, video, factor } = target;
    if (video) throw new ControlNetError('invalid-config', `LDM concatenation is defined for images, '${family}' makes videos`, { family });
    const channels = condition === 'resized' ? 1 : CHANNELS;
    // An encoder's last convolution is an ordinary one: what it gives is concatenated, not added, and already meets zero weights.
    const module = condition === 'resized' ? new Resized(factor) : new HintEncoder(3, hintWidths(target), channels, 'gaussian');
    return {
      module,
      extraInputs: channels,
      apply(t, strength = 1) {
        const encoded = module.forward(t['condition']!);
        return { sample: tf.concat([t['sample']!, strength === 1 ? encoded : tf.mul(encoded, strength)], 1) };
      },
      trainsInBase: /^/,
      baseRate,
      initial: (base, seed) => ({
        ...initialize(module, seed, 'control'),
        ...(start === 'random' ? fromScratch(base, seed, channels) : { 'unet.conv_in.weight': widened(base, channels) }),
      }),
    };
  },
});

/** A picture at the latents' size, [N, 3, H, W] in [0, 1] to [N, 1, H/f, W/f] in [-1, 1]: means over blocks and channels. */
class Resized extends Module {
  readonly #factor: number;

  constructor(factor: number) {
    super();
    this.#factor = factor;
  }

  forward(c: tf.Tensor): tf.Tensor {
    const mean = tf.mean(nn.avgPool2d(c, this.#factor, { stride: this.#factor }), 1, true);
    return tf.sub(tf.mul(mean, 2), 1);
  }
}

/** Parameters of given shapes under given names. */
class Shapes extends Module {
  constructor(parameters: Readonly<Record<string, Parameter>>) {
    super();
    Object.assign(this, parameters);
  }
}

/**
 * Where a parameter of a U-Net starts, by its name and the shapes of all: norms at one and zero, convolutions and linear layers as torch's.
 * @throws ControlNetError unet-mismatch for a parameter that belongs to no such layer
 */
function initOf(name: string, base: Weights): Init {
  const shape = base[name.replace(/\.bias$/, '.weight')]?.shape;
  if (shape === undefined || !/\.(weight|bias)$/.test(name))
    throw new ControlNetError('unet-mismatch', `${name}: expected the weight or bias of a norm, a convolution or a linear layer`, { name });
  if (shape.length === 1) return name.endsWith('.weight') ? 'ones' : 'zeros';
  return { uniform: 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1)) };
}

/** The whole U-Net, its input widened, from random weights. */
function fromScratch(base: Weights, seed: number, extra: number): Record<string, HostTensor> {
  const shapes: Weights = { ...base, 'conv_in.weight': widened(base, extra) };
  const parameters = Object.entries(shapes).map(([name, { shape }]) => [name, new Parameter(shape, initOf(name, shapes))] as const);
  return initialize(new Shapes(Object.fromEntries(parameters)), seed, 'unet');
}

/** conv_in's weights [O, C, 3, 3] with zeros for so many new input channels. @throws ControlNetError unet-mismatch */
function widened(base: Weights, extra: number): HostTensor {
  const conv = base['conv_in.weight'];
  if (conv === undefined || conv.shape.length !== 4)
    throw new ControlNetError(
      'unet-mismatch',
      `conv_in.weight: expected [O, C, 3, 3], the U-Net has ${conv ? `[${conv.shape.join(', ')}]` : 'none'}`,
      {},
    );
  const [out, channels, ...kernel] = conv.shape as [number, number, number, number];
  const { data } = readConstant(conv);
  const taps = kernel[0] * kernel[1];
  const weights = new Float32Array(out * (channels + extra) * taps);
  for (let o = 0; o < out; o++) weights.set(data.subarray(o * channels * taps, (o + 1) * channels * taps), o * (channels + extra) * taps);
  return { data: weights, shape: [out, channels + extra, ...kernel] };
}
