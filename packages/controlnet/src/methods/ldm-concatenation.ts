import * as tf from '@tensorflow/tfjs';
import { initialize, Module, Parameter, readConstant, type Init, type Method, type Weights } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { ControlNetError } from '../errors.ts';
import { HintEncoder } from '../hint-encoder.ts';
import { hintWidths } from './hint-widths.ts';

/** Channels that the condition becomes: as many as the latents of the condition would have. */
const CHANNELS = 4;

/**
 * Concatenation, latent diffusion's own way to condition on images: the encoded condition beside the noisy latents, and the whole U-Net
 * trains. LDM encodes a condition as it encodes pictures; here the hint encoder of ControlNet does, and trains too. The widened input
 * starts with zero weights as InstructPix2Pix's does, so that the model starts as the base (but for rounding: a convolution over more
 * channels sums in another order).
 * Source: Rombach et al. 2022, section 3.3; Brooks et al. 2023, section 3.2.
 * @param choices.base `random`: the U-Net starts from random weights too, as LDM's own conditional models were trained
 */
export const ldmConcatenation = ({ base: start = 'pretrained' }: { readonly base?: 'pretrained' | 'random' } = {}): Method => ({
  id: start === 'random' ? 'ldm-concatenation-random' : 'ldm-concatenation',
  label: start === 'random' ? 'LDM from scratch' : 'LDM concatenation',
  description: `the encoded condition is concatenated to the noisy latents, and the whole U-Net trains${start === 'random' ? ', from random weights' : ''}`,
  config: { channels: CHANNELS, ...(start === 'random' ? { base: start } : {}) },
  create(target) {
    const { family, video } = target;
    if (video) throw new ControlNetError('invalid-config', `LDM concatenation is defined for images, '${family}' makes videos`, { family });
    // Its last convolution is an ordinary one: what it gives is concatenated, not added, and already meets zero weights.
    const module = new HintEncoder(3, hintWidths(target), CHANNELS, 'gaussian');
    return {
      module,
      extraInputs: CHANNELS,
      apply(t, strength = 1) {
        const encoded = module.forward(t['condition']!);
        return { sample: tf.concat([t['sample']!, strength === 1 ? encoded : tf.mul(encoded, strength)], 1) };
      },
      trainsInBase: /^/,
      baseRate: 1,
      initial: (base, seed) => ({
        ...initialize(module, seed, 'control'),
        ...(start === 'random' ? fromScratch(base, seed) : { 'unet.conv_in.weight': widened(base) }),
      }),
    };
  },
});

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
function fromScratch(base: Weights, seed: number): Record<string, HostTensor> {
  const shapes: Weights = { ...base, 'conv_in.weight': widened(base) };
  const parameters = Object.entries(shapes).map(([name, { shape }]) => [name, new Parameter(shape, initOf(name, shapes))] as const);
  return initialize(new Shapes(Object.fromEntries(parameters)), seed, 'unet');
}

/** conv_in's weights [O, C, 3, 3] with zeros for the new input channels. @throws ControlNetError unet-mismatch */
function widened(base: Weights): HostTensor {
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
  const weights = new Float32Array(out * (channels + CHANNELS) * taps);
  for (let o = 0; o < out; o++)
    weights.set(data.subarray(o * channels * taps, (o + 1) * channels * taps), o * (channels + CHANNELS) * taps);
  return { data: weights, shape: [out, channels + CHANNELS, ...kernel] };
}
