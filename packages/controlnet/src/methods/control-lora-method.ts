import { initialize, type Method } from '@controllab/core-blocks';
import { ControlLora } from '../control-lora.ts';
import { ControlNetError } from '../errors.ts';
import { toUNetResiduals } from '../residuals.ts';
import { imageResiduals } from './controlnet-method.ts';
import { hintWidths } from './hint-widths.ts';

/** The smaller of the two released ranks, and about as large a share of the embedded default's widths. */
const RANK = { mini: 16, others: 128 };

/**
 * Control-LoRA: ControlNet's copy as the base's own weights plus updates of low rank; those, hint encoder and zero convolutions train.
 * Source: Stability AI's release (2023).
 * @param choices.rank of every update; without it 128, as released, and 16 for the embedded default
 */
export const controlLora = ({ rank }: { readonly rank?: number } = {}): Method => ({
  id: rank === undefined ? 'control-lora' : `control-lora-${rank}`,
  label: rank === undefined ? 'Control-LoRA' : `Control-LoRA, rank ${rank}`,
  description: 'ControlNet whose copy is the locked encoder plus trained low-rank updates',
  config: { rank: rank ?? null },
  create(target) {
    const { family, video } = target;
    if (video) throw new ControlNetError('invalid-config', `Control-LoRA is defined for images, '${family}' makes videos`, { family });
    const config = { ...target.encoder, conditioning_embedding_out_channels: hintWidths(target) };
    const module = new ControlLora(config, rank ?? (family === 'mini' ? RANK.mini : RANK.others));
    return {
      module,
      extraInputs: 0,
      apply(t, strength = 1, unet) {
        if (unet === undefined)
          throw new ControlNetError(
            'invalid-input',
            'Control-LoRA is made of the weights of the U-Net that it controls: apply() got none',
            {},
          );
        const { encoder } = module;
        const residuals = imageResiduals({ encoder, forward: (...args) => module.forward(unet, ...args) });
        return toUNetResiduals(residuals(t, { conditioningScale: strength }));
      },
      trainsInBase: null,
      baseRate: 1,
      initial: (_base, seed) => initialize(module, seed, 'control'),
    };
  },
});
