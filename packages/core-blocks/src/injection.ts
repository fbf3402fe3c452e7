import type * as tf from '@tensorflow/tfjs';
import { CoreBlocksError } from './error.ts';

/** A place on a U-Net's main branch: behind conv_in, behind a down block (its downsampler included), or behind the middle block. */
export type InjectionPoint = 'conv_in' | `down_blocks.${number}` | 'mid_block';

/**
 * A change of the main branch at one point, ControlNeXt's way of control. The skip connections are saved before it, so the
 * decoder's skips never carry it. `point` of the last down block is the place before the middle block.
 * Source: ControlNeXt's released U-Nets.
 */
export interface Injection {
  point: InjectionPoint;
  /** The features `[N, C, h, w]` at the point, to others of the same shape. */
  apply(x: tf.Tensor): tf.Tensor;
}

/** @throws CoreBlocksError invalid-input listing the points of a U-Net of that many down blocks. */
export function checkInjection({ point }: Injection, downBlocks: number): void {
  const points = ['conv_in', ...Array.from({ length: downBlocks }, (_, i) => `down_blocks.${i}`), 'mid_block'];
  if (!points.includes(point))
    throw new CoreBlocksError('invalid-input', `inject.point: expected one of ${points.join(', ')}, got "${point}"`, { point, points });
}

/** The main branch `x` behind `point`, changed if the injection is for there. */
export const injectAt = (point: InjectionPoint, x: tf.Tensor, injection: Injection | undefined): tf.Tensor =>
  injection?.point === point ? injection.apply(x) : x;
