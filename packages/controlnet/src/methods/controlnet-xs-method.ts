import { initialize, type Method } from '@controllab/core-blocks';
import { ControlNetXs } from '../controlnet-xs.ts';
import { ControlNetError } from '../errors.ts';
import { hintWidths } from './hint-widths.ts';

/**
 * ControlNet-XS: a thin encoder from random weights beside the locked U-Net's, joined to it at every layer in both directions.
 * Source: Zavadski et al. 2023 (arXiv 2312.06573).
 * @param choices.ratio its widths as a share of the U-Net's; an eighth without it
 */
export const controlNetXs = ({ ratio = 0.125 }: { readonly ratio?: number } = {}): Method => ({
  id: ratio === 0.125 ? 'controlnet-xs' : `controlnet-xs-${String(ratio).replace('.', '')}`,
  label: ratio === 0.125 ? 'ControlNet-XS' : `ControlNet-XS, ${ratio} of the widths`,
  description: 'a thin encoder from random weights beside the locked one, connected at every layer in both directions',
  config: { ratio },
  create(target) {
    const { family, video } = target;
    if (video) throw new ControlNetError('invalid-config', `ControlNet-XS is defined for images, '${family}' makes videos`, { family });
    const channels = target.encoder.block_out_channels.map((width) => Math.floor(width * ratio));
    if (channels.some((width) => !(width >= 1)))
      throw new ControlNetError('invalid-config', `ratio: ${ratio} of the widths of '${family}' leaves no channels`, { ratio, channels });
    const module = new ControlNetXs({ base: target.encoder, channels, hint: hintWidths(target) });
    return {
      module,
      extraInputs: 0,
      apply: (t, strength = 1) => ({ companion: module.beside(t['condition']!, strength) }),
      trainsInBase: null,
      baseRate: 1,
      initial: (_base, seed) => initialize(module, seed, 'control'),
    };
  },
});
