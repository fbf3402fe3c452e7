import * as tf from '@tensorflow/tfjs';
import { initialize, repeatTokens, resolveEncoder, type Method } from '@controllab/core-blocks';
import { CONTROLNET_SCHEMA } from '../controlnet.ts';
import { ControlNetError } from '../errors.ts';
import { PitiEncoder } from '../piti-encoder.ts';
import { hintWidths } from './hint-widths.ts';

/** As many as were released for GLIDE, and half of them for the embedded default. */
const LAYERS = { mini: 4, others: 8 };

/**
 * PITI: an encoder maps the condition into the space of the text's tokens, and the U-Net sees those in place of the text's: the condition
 * is all of the prompt. First the encoder trains in front of the locked U-Net, then both train. At a strength below 1 the tokens are mixed
 * with the text's. Guidance leads away from the base's empty prompt; PITI's own, for which conditions are dropped while it trains, from a
 * white picture. Its upsampler and that one's adversarial loss have no place in a latent model.
 * Source: Wang et al. 2022, section 3; PITI-Synthesis/PITI.
 * @param choices.jointRate the second stage: the U-Net trains too, at this share of the rate
 */
export const piti = ({ jointRate }: { readonly jointRate?: number } = {}): Method => ({
  id: jointRate === undefined ? 'piti' : 'piti-joint',
  label: jointRate === undefined ? 'PITI' : 'PITI, joint',
  description: `the encoded condition takes the place of the prompt in the ${jointRate === undefined ? 'locked U-Net' : 'U-Net, which trains too'}`,
  config: jointRate === undefined ? {} : { jointRate },
  create(target) {
    const { family, video } = target;
    if (video || family === 'sdxl')
      throw new ControlNetError('invalid-config', `PITI is defined for images and one text encoder; '${family}' has others`, { family });
    const { contextChannels } = resolveEncoder({ ...CONTROLNET_SCHEMA, model: 'PITI' }, target.encoder);
    const module = new PitiEncoder(3, hintWidths(target), contextChannels, family === 'mini' ? LAYERS.mini : LAYERS.others);
    return {
      module,
      extraInputs: 0,
      apply(t, strength = 1) {
        const text = t['context']!;
        const context = module.forward(t['condition']!, text.shape[1]!);
        if (strength === 1) return { context };
        const share = typeof strength === 'number' ? tf.scalar(strength) : tf.reshape(strength, [-1, 1, 1]);
        const own = repeatTokens(text, context.shape[1]!);
        return { context: tf.add(own, tf.mul(tf.sub(context, own), share)) };
      },
      trainsInBase: jointRate === undefined ? null : /^/,
      baseRate: jointRate ?? 1,
      initial: (_base, seed) => initialize(module, seed, 'control'),
    };
  },
});
