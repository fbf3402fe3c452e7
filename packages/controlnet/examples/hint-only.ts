import * as tf from '@tensorflow/tfjs';
import { HintEncoder, hintWidths } from '@controllab/controlnet';
import { featureStrength, initialize, type ControlTarget, type Method } from '@controllab/core-blocks';

/** A ControlNet without its copy of the encoder: what remains is the encoded condition, added behind the U-Net's first convolution. */
export const hintOnly = (): Method => ({
  id: 'hint-only',
  label: 'hint encoder only',
  description: 'the encoded condition is added behind the first convolution of the locked U-Net',
  config: {},
  create(target) {
    const module = new HintEncoder(3, hintWidths(target), target.encoder.block_out_channels[0]!, 'zero');
    return {
      module,
      extraInputs: 0,
      apply(t, strength = 1) {
        const hint = module.forward(t['condition']!);
        const scaled = strength === 1 ? hint : tf.mul(hint, featureStrength(target, t, strength));
        return { inject: { point: 'conv_in', apply: (x) => tf.add(x, scaled) } };
      },
      trainsInBase: null,
      baseRate: 1,
      initial: (_base, seed) => initialize(module, seed, 'control'),
    };
  },
});

const target: ControlTarget = {
  family: 'mini',
  factor: 4,
  video: false,
  encoder: {
    block_out_channels: [64, 128],
    down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
    layers_per_block: 1,
    attention_head_dim: 4,
    cross_attention_dim: 128,
  },
};
const start = hintOnly().create(target).initial({}, 1);
console.log(Object.keys(start).length, start['control.conv_out.weight']!.shape);
