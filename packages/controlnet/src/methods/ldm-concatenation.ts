import * as tf from '@tensorflow/tfjs';
import { initialize, Module, readConstant, type ControlStrength, type Method, type Weights } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { ControlNetError } from '../errors.ts';
import { HintEncoder } from '../hint-encoder.ts';
import { hintWidths } from './hint-widths.ts';

/** Channels that the condition becomes: as many as latents have, LDM's for its own autoencoder. */
const CHANNELS = 4;

class ConditionEncoder extends Module {
  condition_encoder: HintEncoder;

  constructor(factor: number) {
    super();
    // An ordinary last convolution: what it gives is concatenated, not added, and the widened input starts at zero.
    this.condition_encoder = new HintEncoder(3, hintWidths(factor), CHANNELS, 'gaussian');
  }
}

/**
 * Concatenation, latent diffusion's own way to condition on images: the encoded condition beside the noisy latents, and the whole U-Net
 * trains. The widened input starts with zero weights, so that the model starts as the base (as InstructPix2Pix does).
 * Source: Rombach et al. 2022, section 3.3; Brooks et al. 2023, section 3.2.
 */
export const ldmConcatenation = (): Method => ({
  id: 'ldm-concatenation',
  label: 'LDM concatenation',
  description: 'the encoded condition is concatenated to the noisy latents, and the whole U-Net trains',
  config: { channels: CHANNELS },
  create(target) {
    if (target.video) throw new ControlNetError('invalid-config', 'LDM concatenation is defined for images, this base makes video', {});
    const module = new ConditionEncoder(target.factor);
    return {
      module,
      extraInputs: CHANNELS,
      apply: (t, strength?: ControlStrength) => {
        const encoded = module.condition_encoder.forward(t['condition']!);
        return { sample: tf.concat([t['sample']!, strength === undefined || strength === 1 ? encoded : tf.mul(encoded, strength)], 1) };
      },
      trainsInBase: /^/,
      baseRate: 1,
      initial: (base, seed) => ({ ...initialize(module, seed, 'control'), 'unet.conv_in.weight': widened(base) }),
    };
  },
});

/** conv_in's weights [O, C, 3, 3] with zeros for the new input channels. */
function widened(base: Weights): HostTensor {
  const conv = base['conv_in.weight'];
  if (conv === undefined) throw new ControlNetError('unet-mismatch', 'the base has no conv_in.weight', {});
  const { data, shape } = readConstant(conv);
  const [out, channels, height, width] = shape as [number, number, number, number];
  const row = channels * height * width;
  const wide = (channels + CHANNELS) * height * width;
  const weights = new Float32Array(out * wide);
  for (let o = 0; o < out; o++) weights.set((data as Float32Array).subarray(o * row, (o + 1) * row), o * wide);
  return { data: weights, shape: [out, channels + CHANNELS, height, width] };
}
