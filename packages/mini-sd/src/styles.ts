import { Lora, parameterSpecs } from '@controllab/core-blocks';
import type { Style } from '@controllab/emoji-scenes';
import { miniUNet } from './models.ts';

/** The community models: the same U-Net fine-tuned to another artist's drawings. */
export const communityStyles = ['twemoji', 'noto', 'fluent'] as const satisfies readonly Style[];
export type CommunityStyle = (typeof communityStyles)[number];
const STYLE_RANK = 16;

/** The adapter that a community model is, over the U-Net's weights. */
export const styleAdapter = (): Lora => new Lora(parameterSpecs({ unet: miniUNet() }), STYLE_RANK);
