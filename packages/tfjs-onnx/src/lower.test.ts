import * as tf from '@tensorflow/tfjs';
import onnxProto from 'onnx-proto';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { compile, nn, trace, valueAndGrads, type Graph, type Provider } from './index.ts';
import { lower } from './lower.ts';

await tf.setBackend('cpu');

const shapes = { q: [2, 4, 6], k: [2, 3, 6], w: [5, 6], x: [2, 3, 4, 4], f: [4, 3, 3, 3], s: [2, 3, 2, 3], p: [2, 3, 1, 1] };

/** Forward and backward of everything that multiplies matrices. */
function products(): Graph {
  return trace(
    ({ inputs }) => {
      const { q, k, w, x, f, s, p } = inputs as { [name in keyof typeof shapes]: tf.Tensor };
      const { value, grads } = valueAndGrads(() => {
        const attended = nn.linear(nn.attention(q, k, k, 2), w, null);
        const gram = tf.matMul(attended as tf.Tensor3D, attended as tf.Tensor3D, true, false);
        const convolved = [
          nn.conv2d(x, f, null, { padding: 1 }),
          // The last column is in no window.
          nn.conv2d(x, s, null, { stride: 2, padding: [0, 0, 1, 0] }),
          nn.conv2d(x, p, null),
        ];
        return tf.addN([tf.mean(tf.square(gram)), ...convolved.map((y) => tf.mean(tf.square(y)))]);
      }, inputs);
      return { outputs: { value, ...grads } };
    },
    { inputs: Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }])) },
  );
}

const model = (provider: Provider, graph = products(), stepsPerRun = 1): Uint8Array =>
  lower(graph, { provider, stepsPerRun, directory: null });
const nodes = (bytes: Uint8Array): onnxProto.onnx.INodeProto[] => onnxProto.onnx.ModelProto.decode(bytes).graph!.node!;
const opTypes = (bytes: Uint8Array): Set<string> => new Set(nodes(bytes).map((node) => node.opType!));

describe('lowering', () => {
  it('uses FusedMatMul on the CPU and never for WebGPU, which has no such kernel', () => {
    expect(opTypes(model('cpu'))).toContain('FusedMatMul');
    expect(opTypes(model('webgpu'))).not.toContain('FusedMatMul');
    expect(opTypes(model('webgpu'))).toContain('MatMul');
  });

  it('fuses attention on the CPU, where no gradient needs its weights', () => {
    const attention = (causal: boolean): Graph =>
      trace(({ inputs }) => ({ outputs: { y: nn.attention(inputs['x']!, inputs['x']!, inputs['x']!, 2, { causal }) } }), {
        inputs: { x: { shape: [1, 3, 4] } },
      });
    expect(nodes(model('cpu', attention(false))).map(({ opType }) => opType)).toEqual(['MultiHeadAttention']);
    expect(opTypes(model('cpu', attention(true)))).toContain('Softmax');
    expect(opTypes(model('cpu'))).not.toContain('MultiHeadAttention');
    expect(opTypes(model('webgpu', attention(false)))).not.toContain('MultiHeadAttention');
  });

  it('makes gradients of kernels of 3-D convolutions on the CPU alone: graphics cards have no fast ones', () => {
    const ofRank = (provider: Provider): number[] =>
      nodes(model(provider)).flatMap(({ opType, attribute }) =>
        opType === 'Conv' ? attribute!.flatMap(({ name, ints }) => (name === 'kernel_shape' ? [ints!.length] : [])) : [],
      );
    expect(ofRank('cpu')).toContain(3);
    for (const provider of ['webgpu', 'cuda'] as const) expect(new Set(ofRank(provider))).toEqual(new Set([2]));
  });

  it('keeps WebGPU kernels within the eight buffers that every device has', () => {
    const graph = (parts: number): Graph =>
      trace(({ inputs }) => ({ outputs: Object.fromEntries(tf.split(inputs['x']!, parts, 0).entries()) }), {
        inputs: { x: { shape: [12, 2] } },
      });
    expect(opTypes(model('webgpu', graph(12)))).toEqual(new Set(['Slice']));
    expect(opTypes(model('webgpu', graph(6)))).toEqual(new Set(['Split']));
    expect(opTypes(model('cpu', graph(12)))).toEqual(new Set(['Split']));
  });

  it('computes the same for every provider (run on the CPU here)', async () => {
    const feeds = Object.fromEntries(
      Object.entries(shapes).map(([name, shape], i) => [
        name,
        new ort.Tensor(
          'float32',
          Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, j) => Math.sin(i + j * 1.7)),
          shape,
        ),
      ]),
    );
    const run = async (provider: Provider): Promise<ort.InferenceSession.OnnxValueMapType> =>
      (await ort.InferenceSession.create(model(provider))).run(feeds);
    const [cpu, webgpu, cuda] = [await run('cpu'), await run('webgpu'), await run('cuda')];
    expect(Object.keys(cpu)).toHaveLength(8);
    for (const name of Object.keys(cpu)) {
      const expected = cpu[name]!.data as Float32Array;
      for (const other of [webgpu, cuda])
        (other[name]!.data as Float32Array).forEach((v, i) => expect(v, name).toBeCloseTo(expected[i]!, 5));
    }
  });

  it('writes K steps as one Loop', () => {
    expect(nodes(model('cpu', products(), 3)).map((node) => node.opType)).toEqual(['Loop']);
  });

  it('leaves out what no output depends on', () => {
    const graph = trace(
      ({ inputs }) => {
        tf.exp(inputs['x']!);
        return { outputs: { y: tf.neg(inputs['x']!) } };
      },
      { inputs: { x: { shape: [2] } } },
    );
    expect(nodes(model('cpu', graph)).map((node) => node.opType)).toEqual(['Neg']);
  });

  it('refuses constants that are known by shape only', () => {
    const graph = trace(({ inputs, constants }) => ({ outputs: { y: tf.add(inputs['x']!, constants['w']!) } }), {
      inputs: { x: { shape: [2] } },
      constants: { w: { shape: [2] } },
    });
    expect(() => model('cpu', graph)).toThrow(/constant 'w' was declared by shape only/);
  });
});

describe('functions that TensorFlow.js builds from kernels with a lowering', () => {
  it.each([
    ['moments', (x: tf.Tensor) => tf.moments(x, 1).variance],
    ['norm', (x: tf.Tensor) => tf.norm(x)],
    ['stack', (x: tf.Tensor) => tf.stack([x, x], -1)],
    ['unstack', (x: tf.Tensor) => tf.unstack(x, 1)[0]!],
    ['where', (x: tf.Tensor) => tf.where(tf.greater(x, 0), x, tf.zerosLike(x))],
    ['squeeze', (x: tf.Tensor) => tf.squeeze(tf.expandDims(x, 0))],
    ['losses.meanSquaredError', (x: tf.Tensor) => tf.losses.meanSquaredError(x, tf.square(x))],
  ])('tf.%s', async (_, f) => {
    const data = Float32Array.from({ length: 12 }, (__, i) => Math.sin(i));
    const run = async (engine: 'onnx' | 'tfjs'): Promise<number[]> => {
      const compiled = await compile(
        ({ inputs }) => ({ outputs: { y: f(inputs['x']!) } }),
        { inputs: { x: { shape: [3, 4] } } },
        { engine },
      );
      return [...(await compiled.run({ x: { data, shape: [3, 4] } }))['y']!.data];
    };
    const [onnx, eager] = [await run('onnx'), await run('tfjs')];
    expect(onnx).toHaveLength(eager.length);
    onnx.forEach((v, i) => expect(v).toBeCloseTo(eager[i]!, 5));
  });
});

describe('operands are checked while tracing', () => {
  const tracing = (f: (x: tf.Tensor) => tf.Tensor) => () =>
    trace(({ inputs }) => ({ outputs: { y: f(inputs['x']!) } }), { inputs: { x: { shape: [3, 2] } } });
  it('inner sizes of a product', () => {
    expect(tracing((x) => tf.matMul(x as tf.Tensor2D, tf.zeros([3, 2])))).toThrow(
      /op BatchMatMul cannot take a \[3, 2\], b \[3, 2\].*inner sizes 2 and 3 differ/,
    );
    expect(tracing((x) => tf.matMul(x as tf.Tensor2D, tf.zeros([3, 2]), true, false))).not.toThrow();
  });
  it('a negative axis of gather', () => {
    const graph = tracing((x) => tf.gather(x, tf.tensor1d([1, 0, 1], 'int32'), -1))();
    expect(graph.outputs.get('y')!.shape).toEqual([3, 3]);
  });
});
