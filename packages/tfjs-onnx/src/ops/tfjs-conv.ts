import * as tf from '@tensorflow/tfjs';
import { defineOp, type Lowering } from './definition.ts';
import { lowerConv, lowerConvInputGrad, lowerConvWeightGrad, type ConvGeometry } from './conv.ts';
import type { Shape } from '../types.ts';

/** tfjs's own NHWC / HWIO convolution (tf.conv2d), so that any tfjs model traces; nn.conv2d saves the transposes. */
interface Attributes {
  strides: number | [number, number];
  pad: number | 'same' | 'valid';
  dilations?: number | [number, number];
  dataFormat?: string;
  dimRoundingMode?: string;
}

function geometry(
  x: Shape,
  filter: Shape,
  { strides, pad, dilations = 1, dataFormat = 'NHWC', dimRoundingMode = 'floor' }: Attributes,
): { g: ConvGeometry; outShape: number[] } {
  if (dataFormat !== 'NHWC' || dimRoundingMode !== 'floor')
    throw new Error(`data format ${dataFormat}, rounding ${dimRoundingMode}: NHWC and floor alone have a lowering`);
  const info = tf.backend_util.computeConv2DInfo(
    x as [number, number, number, number],
    filter as [number, number, number, number],
    strides,
    dilations,
    pad,
    undefined,
    false,
    'channelsLast',
  );
  const { top, left, bottom, right } = info.padInfo;
  const fits = (padded: number, kernel: number, out: number): boolean => Math.floor((padded - kernel) / info.strideHeight) + 1 === out;
  if (info.strideHeight !== info.strideWidth || info.dilationHeight !== 1 || info.dilationWidth !== 1)
    throw new Error('unequal strides or a dilation other than 1');
  // tfjs takes a padding that is one number by the kernel's height alone.
  if (
    !fits(info.inHeight + top + bottom, info.filterHeight, info.outHeight) ||
    !fits(info.inWidth + left + right, info.filterWidth, info.outWidth)
  )
    throw new Error(`padding ${JSON.stringify(pad)} of a kernel that is not square: write it side by side`);
  return {
    g: {
      n: info.batchSize,
      c: info.inChannels,
      h: info.inHeight,
      w: info.inWidth,
      o: info.outChannels,
      oh: info.outHeight,
      ow: info.outWidth,
      kernel: [info.filterHeight, info.filterWidth],
      stride: info.strideHeight,
      padding: [top, left, bottom, right],
    },
    outShape: info.outShape,
  };
}

const nchw = (l: Lowering, x: string): string => l.transpose(x, [0, 3, 1, 2]);
const nhwc = (l: Lowering, x: string): string => l.transpose(x, [0, 2, 3, 1]);
const oihw = (l: Lowering, x: string): string => l.transpose(x, [3, 2, 0, 1]);

defineOp<Attributes>({
  name: 'Conv2D',
  infer: ({ x, filter }, attributes) => ({ shape: geometry(x!.shape, filter!.shape, attributes).outShape }),
  lower: (l, attributes) =>
    nhwc(l, lowerConv(l, nchw(l, l.in('x')), oihw(l, l.in('filter')), null, geometry(l.shape('x'), l.shape('filter'), attributes).g)),
  macs: (node) => node.outputs[0]!.shape.reduce((a, b) => a * b, 1) * node.inputs['filter']!.shape.slice(0, 3).reduce((a, b) => a * b, 1),
});

defineOp<Attributes & { inputShape: number[] }>({
  name: 'Conv2DBackpropInput',
  infer: (_, { inputShape }) => ({ shape: inputShape }),
  lower: (l, attributes) =>
    nhwc(
      l,
      lowerConvInputGrad(l, nchw(l, l.in('dy')), oihw(l, l.in('filter')), geometry(attributes.inputShape, l.shape('filter'), attributes).g),
    ),
  macs: (node) => node.inputs['dy']!.shape.reduce((a, b) => a * b, 1) * node.inputs['filter']!.shape.slice(0, 3).reduce((a, b) => a * b, 1),
});

defineOp<Attributes & { filterShape: number[] }>({
  name: 'Conv2DBackpropFilter',
  infer: (_, { filterShape }) => ({ shape: filterShape }),
  lower: (l, attributes) =>
    l.transpose(
      lowerConvWeightGrad(l, nchw(l, l.in('x')), nchw(l, l.in('dy')), geometry(l.shape('x'), attributes.filterShape, attributes).g),
      [2, 3, 1, 0],
    ),
  macs: (node) => node.inputs['dy']!.shape.reduce((a, b) => a * b, 1) * node.outputs[0]!.shape.slice(0, 3).reduce((a, b) => a * b, 1),
});
