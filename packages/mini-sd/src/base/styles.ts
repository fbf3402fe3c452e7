import { Lora, parameterSpecs } from '@controllab/core-blocks';
import { miniUNet } from '../networks/models.ts';

const STYLE_RANK = 16;

/** The adapter that a community model is, over the U-Net's weights. */
export const styleAdapter = (): Lora => new Lora(parameterSpecs({ unet: miniUNet() }), STYLE_RANK);
