import * as tf from '@tensorflow/tfjs';
import onnxProto from 'onnx-proto';
import { expect, it } from 'vitest';
import { nn, trace, valueAndGrads, type NamedTensors } from '../index.ts';
import { lower, loweredNodes } from '../lower.ts';
import { OPS } from './index.ts';
import { runKernel } from '../nn/dispatch.ts';
import { checkGradients, expectTensor, floats, ramp, results, wave } from '../testing/cases.ts';

await tf.setBackend('cpu');

it('nn.UpsampledConv2d, nn.UpsampledConv2dInputGrad, nn.UpsampledConv2dWeightGrad, by hand', async () => {
  const weight = ramp([1, 1, 3, 3]);
  const found = await results({
    // The doubled picture is 2x2 of twos: each place sees two columns and two rows of the kernel.
    one: {
      f: (t) => runKernel('nn.UpsampledConv2d', t),
      on: { x: floats([1, 1, 1, 1], [2]), weight, bias: floats([1], [0.5]) },
    },
    // Two rows of 1 1 2 2: above, the kernel's lower rows add up to 11 13 15, below its upper ones to 5 7 9.
    line: { f: (t) => runKernel('nn.UpsampledConv2d', t), on: { x: ramp([1, 1, 1, 2]), weight } },
    // The places of the first case, weighted: 28, 24, 16 and 12 are what each sees of the kernel.
    input: { f: (t) => runKernel('nn.UpsampledConv2dInputGrad', t), on: { dy: floats([1, 1, 2, 2], [1, 10, 100, 1000]), weight } },
    weight: {
      f: (t) => runKernel('nn.UpsampledConv2dWeightGrad', t),
      on: { x: floats([1, 1, 1, 1], [2]), dy: floats([1, 1, 2, 2], [1, 10, 100, 1000]) },
    },
  });
  expectTensor(found['one'], [1, 1, 2, 2], [56.5, 48.5, 32.5, 24.5]);
  expectTensor(found['line'], [1, 1, 2, 4], [28, 54, 67, 48, 16, 30, 37, 24]);
  expectTensor(found['input'], [1, 1, 1, 1], [28 + 240 + 1600 + 12000]);
  expectTensor(found['weight'], [1, 1, 3, 3], [2000, 2200, 200, 2020, 2222, 202, 20, 22, 2]);
});

const convolved = (t: NamedTensors): tf.Tensor => nn.conv2d(nn.upsampleNearest2x(t['x']!), t['weight']!, t['bias'] ?? null, { padding: 1 });
const odd = { x: wave([2, 3, 1, 5]), weight: wave([4, 3, 3, 3], 2), bias: wave([4], 3) };

it('a convolution of a doubled picture is as op by op, in value and gradients', async () => {
  const cases = { odd: { f: convolved, on: odd }, wide: { f: convolved, on: { x: wave([1, 6, 4, 4]), weight: wave([2, 6, 3, 3]) } } };
  const [compiled, eager] = [await results(cases), await results(cases, 'tfjs')];
  for (const name of Object.keys(cases)) expectTensor(compiled[name], eager[name]!.shape, [...eager[name]!.data], name);
  await checkGradients(cases);
});

it('is taken for 3x3 kernels with a padding of 1 alone, and leaves no doubled picture behind', () => {
  const ops = (size: number, options: { stride?: number; padding: number }): Set<string> => {
    const graph = trace(
      ({ inputs: { x, weight } }) => {
        const f = () => tf.sum(nn.conv2d(nn.upsampleNearest2x(x!), weight!, null, options)) as tf.Scalar;
        const { value, grads } = valueAndGrads(f, { x: x!, weight: weight! });
        return { outputs: { value, ...grads } };
      },
      { inputs: { x: { shape: [1, 2, 4, 4] }, weight: { shape: [2, 2, size, size] } } },
    );
    const model = lower(graph, { provider: 'cpu', stepsPerRun: 1, directory: null });
    return new Set(onnxProto.onnx.ModelProto.decode(model).graph!.node!.map(({ opType }) => opType!));
  };
  expect(ops(3, { padding: 1 })).toContain('DepthToSpace');
  expect(ops(3, { padding: 1 })).not.toContain('Resize');
  expect(ops(3, { padding: 1 })).not.toContain('AveragePool');
  for (const other of [ops(3, { padding: 0 }), ops(3, { padding: 1, stride: 2 }), ops(1, { padding: 1 }), ops(5, { padding: 1 })]) {
    expect(other).toContain('Resize');
    expect(other).not.toContain('DepthToSpace');
  }
});

it('counts what is done: four products a place and channel, in the graph that is lowered', () => {
  const graph = trace(({ inputs: { x, weight } }) => ({ outputs: { y: convolved({ x: x!, weight: weight! }) } }), {
    inputs: { x: { shape: [2, 3, 4, 4] }, weight: { shape: [5, 3, 3, 3] } },
  });
  const { nodes } = loweredNodes(graph);
  expect(nodes.map((node) => [node.op, OPS.get(node.op)!.macs!(node)])).toEqual([['nn.UpsampledConv2d', 2 * 5 * 8 * 8 * 3 * 4]]);
});
