import type * as tf from '@tensorflow/tfjs';
import { CoreBlocksError } from '../errors.ts';

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

/**
 * Channels C of the features [N, C, h, w] at a point of a U-Net whose levels have those widths.
 * @throws CoreBlocksError invalid-input listing the U-Net's points
 */
export function channelsAt(point: InjectionPoint, widths: readonly number[]): number {
  const channels: Readonly<Record<string, number | undefined>> = {
    conv_in: widths[0],
    ...Object.fromEntries(widths.map((width, level) => [`down_blocks.${level}`, width])),
    mid_block: widths.at(-1),
  };
  const points = Object.keys(channels);
  const found = channels[point];
  if (found === undefined)
    throw new CoreBlocksError('invalid-input', `inject.point: expected one of ${points.join(', ')}, got "${point}"`, { point, points });
  return found;
}

/** The main branch `x` behind `point`, changed if the injection is for there. */
export const injectAt = (point: InjectionPoint, x: tf.Tensor, injection: Injection | undefined): tf.Tensor =>
  injection?.point === point ? injection.apply(x) : x;
