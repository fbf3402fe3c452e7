import * as tf from '@tensorflow/tfjs';
import { encoderStates, initialize, resolveEncoder, type Method } from '@controllab/core-blocks';
import { CONTROLNET_SCHEMA } from '../controlnet.ts';
import { ControlNetError } from '../errors.ts';
import { T2iAdapter } from '../t2i-adapter.ts';

/**
 * T2I-Adapter: features of the condition alone, computed once for all time steps, are added to the last state of every level of the locked
 * U-Net's encoder, in front of its downsampler, so that main branch and skip carry them. Nothing starts at zero, as in the released code.
 * The recipe is that of Stable Diffusion 1 and 2; the one that was released for XL adds at other places and is refused.
 * Source: Mou et al. 2023, section 3.3; TencentARC/T2I-Adapter, `Adapter`.
 */
export const t2iAdapter = (): Method => ({
  id: 't2i-adapter',
  label: 'T2I-Adapter',
  description: 'residual convolutions over the unshuffled condition, added to the states of the locked encoder alone',
  config: {},
  create(target) {
    const { family, factor, video } = target;
    if (video || family === 'sdxl')
      throw new ControlNetError(
        'invalid-config',
        `T2I-Adapter has no recipe for '${family}'; it has for images, of Stable Diffusion 1 and 2`,
        {
          family,
        },
      );
    const module = new T2iAdapter({ channels: target.encoder.block_out_channels, downscale_factor: factor });
    const states = encoderStates(resolveEncoder({ ...CONTROLNET_SCHEMA, model: 'T2iAdapter' }, target.encoder));
    // A level's last state of its own size: the one in front of the downsampler's.
    const levelOf = new Map(
      target.encoder.block_out_channels.map((_, level) => [states.findLastIndex((s) => s.factor === 2 ** level), level]),
    );
    return {
      module,
      extraInputs: 0,
      apply(t, strength = 1) {
        const features = module.forward(t['condition']!).map((x) => (strength === 1 ? x : tf.mul(x, strength)));
        return {
          companion: {
            encoded: (x, { state }) => {
              const level = levelOf.get(state);
              return level === undefined ? x : tf.add(x, features[level]!);
            },
          },
        };
      },
      trainsInBase: null,
      baseRate: 1,
      initial: (_base, seed) => initialize(module, seed, 'control'),
    };
  },
});
