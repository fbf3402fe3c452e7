import * as tf from '@tensorflow/tfjs';
import { TfjsOnnxError } from '../errors.ts';
import { inScope } from '../scope.ts';
import { showShape } from '../types.ts';
import { isRecording, registerGradient, runKernel } from './dispatch.ts';

/** top, left, bottom, right. */
export type Padding = readonly [number, number, number, number];

export interface Conv2dOptions {
  stride?: number;
  padding?: number | Padding;
}

export interface Conv2dAttributes {
  stride: number;
  padding: Padding;
}

const NHWC = [0, 2, 3, 1];
const NCHW = [0, 3, 1, 2];

function eager(
  x: tf.Tensor4D,
  weight: tf.Tensor4D,
  bias: tf.Tensor1D | null,
  { stride, padding: [top, left, bottom, right] }: Conv2dAttributes,
): tf.Tensor4D {
  const nhwc = tf.transpose(x, NHWC);
  const padded =
    top || left || bottom || right
      ? tf.pad(nhwc, [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ])
      : nhwc;
  const y = tf.conv2d(padded as tf.Tensor4D, tf.transpose(weight, [2, 3, 1, 0]), stride, 'valid');
  return tf.transpose(bias === null ? y : tf.add(y, bias), NCHW);
}

function checkGeometry(x: tf.Tensor, weight: tf.Tensor, { stride, padding }: Conv2dAttributes): void {
  const [top, left, bottom, right] = padding;
  const [h, w, kh, kw] = [x.shape[2]!, x.shape[3]!, weight.shape[2]!, weight.shape[3]!];
  const whole = (value: number, least: number): boolean => Number.isInteger(value) && value >= least;
  if (whole(stride, 1) && padding.every((p) => whole(p, 0)) && h + top + bottom >= kh && w + left + right >= kw) return;
  throw new TfjsOnnxError(
    'shape-mismatch',
    `nn.conv2d: expected a stride of at least 1, a padding of at least 0, and a kernel that fits; got x ${showShape(x.shape)}, weight ${showShape(weight.shape)}, stride ${stride}, padding ${padding.join()}${inScope()}`,
    { op: 'nn.conv2d', x: x.shape, weight: weight.shape, stride, padding },
  );
}

/**
 * 2-D convolution (cross-correlation) in PyTorch's layout, torch.nn.functional.conv2d.
 * @param x [N, C, H, W]
 * @param weight [O, C, kh, kw]
 * @param bias [O] or null
 * @returns [N, O, H', W'], H' = floor((H + top + bottom - kh) / stride) + 1
 * @throws shape-mismatch when the channels do not agree, the kernel does not fit, or stride or padding is no whole number or too small
 */
export function conv2d(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor | null,
  { stride = 1, padding = 0 }: Conv2dOptions = {},
): tf.Tensor4D {
  const attributes: Conv2dAttributes = { stride, padding: typeof padding === 'number' ? [padding, padding, padding, padding] : padding };
  if (
    x.rank !== 4 ||
    weight.rank !== 4 ||
    x.shape[1] !== weight.shape[1] ||
    (bias !== null && (bias.rank !== 1 || bias.shape[0] !== weight.shape[0]))
  ) {
    throw new TfjsOnnxError(
      'shape-mismatch',
      `nn.conv2d: expected x [N, C, H, W], weight [O, C, kh, kw] and bias [O]; got x ${showShape(x.shape)}, weight ${showShape(weight.shape)}, bias ${bias === null ? 'none' : showShape(bias.shape)}${inScope()}`,
      { op: 'nn.conv2d', x: x.shape, weight: weight.shape },
    );
  }
  checkGeometry(x, weight, attributes);
  if (!isRecording()) return eager(x as tf.Tensor4D, weight as tf.Tensor4D, bias as tf.Tensor1D | null, attributes);
  return runKernel('nn.Conv2d', bias === null ? { x, weight } : { x, weight, bias }, { ...attributes });
}

registerGradient('nn.Conv2d', { inputs: ['x', 'weight'] }, ([dy], [x, weight], attributes) => ({
  x: () => runKernel('nn.Conv2dInputGrad', { dy: dy!, weight: weight! }, { ...attributes, inputShape: x!.shape }),
  weight: () => runKernel('nn.Conv2dWeightGrad', { x: x!, dy: dy! }, { ...attributes, weightShape: weight!.shape }),
  bias: () => runKernel('nn.ChannelSum', { dy: dy! }),
}));
