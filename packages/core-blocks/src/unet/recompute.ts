import type { Module } from '../module.ts';
import { Transformer2DModel } from '../layers/attention.ts';
import { ResnetBlock2D } from '../layers/resnet.ts';
import { SpatioTemporalResBlock, TransformerSpatioTemporalModel } from '../layers/spatio-temporal.ts';

/** What `withParameters` is told to compute again: what stands between the skip connections of a U-Net. */
const BLOCKS = [ResnetBlock2D, Transformer2DModel, SpatioTemporalResBlock, TransformerSpatioTemporalModel] as const;

/** Whether a module is a block of a U-Net: gradient checkpointing keeps what passes between them and computes their insides again. */
export const isUNetBlock = (module: Module): boolean => BLOCKS.some((block) => module instanceof block);
