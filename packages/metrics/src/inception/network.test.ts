import { describe, expect, it } from 'vitest';
import { parameterSpecs, withParameters } from '@controllab/core-blocks';
import { cost, trace } from '@controllab/tfjs-onnx';
import { FidInception } from './network.ts';

const network = new FidInception();
const specs = parameterSpecs(network);

describe('FidInception', () => {
  it('has the parameters of pt_inception-2015-12-05', () => {
    // 94 convolutions of 5 tensors each, and fc; with the counters of the normalisations the published file has 566.
    expect(Object.keys(specs)).toHaveLength(472);
    expect(Object.values(specs).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(23_885_392);
    expect(specs['Conv2d_1a_3x3.conv.weight']!.shape).toEqual([32, 3, 3, 3]);
    expect(specs['Mixed_5b.branch_pool.conv.weight']!.shape).toEqual([32, 192, 1, 1]);
    expect(specs['Mixed_6c.branch7x7dbl_2.conv.weight']!.shape).toEqual([160, 160, 7, 1]);
    expect(specs['Mixed_7a.branch7x7x3_4.bn.running_var']!.shape).toEqual([192]);
    expect(specs['Mixed_7b.branch3x3_2a.conv.weight']!.shape).toEqual([384, 384, 1, 3]);
    expect(specs['Mixed_7c.branch3x3dbl_1.conv.weight']!.shape).toEqual([448, 2048, 1, 1]);
    expect(specs['fc.weight']!.shape).toEqual([1008, 2048]);
  });

  it('takes 5.7 billion multiply-accumulates an image', () => {
    const graph = trace(
      ({ inputs, constants }) => ({ outputs: { features: withParameters(network, constants, () => network.forward(inputs['images']!)) } }),
      { inputs: { images: { shape: [1, 3, 299, 299] } }, constants: specs },
    );
    expect(graph.outputs.get('features')!.shape).toEqual([1, 2048]);
    expect(cost(graph).macs).toBe(5_711_168_096);
  });
});
