import * as tf from '@tensorflow/tfjs';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  adamw,
  compile,
  cost,
  nn,
  saveOnnx,
  scalar,
  trace,
  valueAndGrads,
  withScope,
  type HostTensor,
  type Signature,
  type Traceable,
} from './index.ts';

await tf.setBackend('cpu');

/** Reproducible values in about [-1, 1]. */
function values(shape: number[], seed = 1): HostTensor {
  let s = seed;
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return (s / 2 ** 31 - 1) * 0.9;
  });
  return { data, shape };
}

const specs = (tensors: Record<string, HostTensor>): Signature['inputs'] =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      { shape, dtype: data instanceof Int32Array ? 'int32' : 'float32' } as const,
    ]),
  );

/** Runs a function compiled and eagerly, with gradients of a weighted sum of its result, and compares everything. */
async function agree(f: (t: Record<string, tf.Tensor>) => tf.Tensor, tensors: Record<string, HostTensor>, tolerance = 2e-5): Promise<void> {
  const fn: Traceable = ({ inputs }) => {
    const trainable = Object.fromEntries(Object.entries(inputs).filter(([, t]) => t.dtype === 'float32'));
    let y: tf.Tensor | undefined;
    const { value, grads } = valueAndGrads(() => {
      y = tf.keep(f(inputs));
      const weights = tf.tensor(values([y.size], 7).data, y.shape);
      return tf.sum(tf.mul(y, weights)) as tf.Scalar;
    }, trainable);
    return { outputs: { y: y!, value, ...Object.fromEntries(Object.entries(grads).map(([name, g]) => [`d${name}`, g])) } };
  };
  const signature = { inputs: specs(tensors)! };
  const compiled = await (await compile(fn, signature)).run(tensors);
  const eager = await (await compile(fn, signature, { engine: 'tfjs' })).run(tensors);
  for (const name of Object.keys(eager)) {
    const [a, b] = [compiled[name]!, eager[name]!];
    expect(a.shape, name).toEqual(b.shape);
    const scale = Math.max(...b.data.map(Math.abs), 1e-6);
    let worst = 0;
    for (let i = 0; i < b.data.length; i++) worst = Math.max(worst, Math.abs(a.data[i]! - b.data[i]!) / scale);
    expect(worst, `${name}: compiled and eager differ by ${worst} of the largest value`).toBeLessThan(tolerance);
  }
}

describe('compiled kernels agree with their eager twins, gradients included', () => {
  for (const [name, c, o, k, stride, padding] of [
    ['3x3', 3, 5, 3, 1, 1],
    ['3x3, more inputs than outputs', 6, 2, 3, 1, 1],
    ['3x3 valid', 4, 3, 3, 1, 0],
    ['3x3 valid, more inputs than outputs', 4, 2, 3, 1, 0],
    ['1x1', 4, 6, 1, 1, 0],
    ['4x4 stride 2', 3, 4, 4, 2, 1],
    ['3x3 stride 2', 3, 4, 3, 2, 1],
    ['3x3 stride 2, padded at the far side only', 3, 4, 3, 2, [0, 0, 1, 1]],
    ['3x3 stride 1, uneven padding, more inputs than outputs', 4, 2, 3, 1, [0, 2, 1, 0]],
  ] as const) {
    it(`conv2d ${name}`, () =>
      agree((t) => nn.conv2d(t['x']!, t['w']!, t['b']!, { stride, padding }), {
        x: values([2, c, 8, 6]),
        w: values([o, c, k, k], 2),
        b: values([o], 3),
      }));
  }
  it('conv2d without bias', () =>
    agree((t) => nn.conv2d(t['x']!, t['w']!, null, { padding: 1 }), { x: values([2, 3, 5, 5]), w: values([2, 3, 3, 3], 2) }));
  it('linear of rank 3 and 2', async () => {
    await agree((t) => nn.linear(t['x']!, t['w']!, t['b']!), { x: values([2, 3, 4]), w: values([5, 4], 2), b: values([5], 3) });
    await agree((t) => nn.linear(t['x']!, t['w']!, null), { x: values([3, 4]), w: values([5, 4], 2) });
  });
  for (const silu of [false, true]) {
    it(`groupNorm, silu ${silu}`, () =>
      agree((t) => nn.groupNorm(t['x']!, t['w']!, t['b']!, 2, 1e-5, { silu }), {
        x: values([2, 6, 3, 4]),
        w: values([6], 2),
        b: values([6], 3),
      }));
  }
  it('layerNorm', () =>
    agree((t) => nn.layerNorm(t['x']!, t['w']!, t['b']!, 1e-5), { x: values([2, 3, 5]), w: values([5], 2), b: values([5], 3) }));
  it('silu and gelu', async () => {
    await agree((t) => nn.silu(t['x']!), { x: values([3, 4]) });
    await agree((t) => nn.gelu(tf.mul(t['x']!, 3)), { x: values([3, 4]) });
  });
  for (const causal of [false, true]) {
    it(`attention, causal ${causal}`, () =>
      agree((t) => nn.attention(t['q']!, t['k']!, t['v']!, 2, { causal }), {
        q: values([2, 3, 4]),
        k: values([2, causal ? 3 : 5, 4], 2),
        v: values([2, causal ? 3 : 5, 4], 3),
      }));
  }
  it('attention without gradients, which is fused', async () => {
    const tensors = { q: values([2, 3, 4]), k: values([2, 5, 4], 2), v: values([2, 5, 4], 3) };
    const fn: Traceable = ({ inputs }) => ({ outputs: { y: nn.attention(inputs['q']!, inputs['k']!, inputs['v']!, 2) } });
    const [compiled, eager] = await Promise.all(
      (['onnx', 'tfjs'] as const).map(
        async (engine) => (await (await compile(fn, { inputs: specs(tensors)! }, { engine })).run(tensors))['y']!,
      ),
    );
    eager!.data.forEach((x, i) => expect(compiled!.data[i]).toBeCloseTo(x, 6));
  });
  it('upsampleNearest2x', () => agree((t) => nn.upsampleNearest2x(t['x']!), { x: values([2, 3, 2, 3]) }));
  it('embedding', () =>
    agree((t) => nn.embedding(t['ids']!, t['w']!), { ids: { data: Int32Array.of(1, 0, 1, 3), shape: [2, 2] }, w: values([4, 3]) }));
  it('plain tfjs ops and their gradients', () =>
    agree(
      (t) => {
        const [a, b] = tf.split(t['x']!, 2, 1) as [tf.Tensor, tf.Tensor];
        const h = tf.concat([tf.mul(a, tf.sigmoid(b)), tf.exp(tf.neg(a)), tf.sqrt(tf.add(tf.square(b), 1))], 1);
        const m = tf.matMul(tf.reshape(h, [2, 6, 3]), tf.transpose(tf.reshape(h, [2, 6, 3]), [0, 2, 1]));
        return tf.add(
          tf.softmax(m),
          tf.mean(
            tf.pad(tf.slice(m, [0, 1, 0], [2, 2, 6]), [
              [0, 0],
              [2, 2],
              [0, 0],
            ]),
            2,
            true,
          ),
        );
      },
      { x: values([2, 4, 3]) },
    ));
  it('tf.conv2d', () =>
    agree((t) => tf.conv2d(t['x'] as tf.Tensor4D, t['w'] as tf.Tensor4D, 2, 'same'), {
      x: values([2, 5, 6, 3]),
      w: values([3, 3, 3, 2], 2),
    }));
});

/** One AdamW step of a linear fit; three parameters, one of them above the grouping threshold. */
const fit: Traceable = ({ inputs, state }) => {
  const pick = (prefix: string) =>
    Object.fromEntries(
      Object.entries(state)
        .filter(([n]) => n.startsWith(prefix))
        .map(([n, t]) => [n.slice(2), t]),
    );
  const params = pick('p:');
  const { value, grads } = valueAndGrads(
    () =>
      tf.mean(
        tf.squaredDifference(nn.linear(nn.linear(inputs['x']!, params['a']!, null), params['w']!, params['b']!), inputs['y']!),
      ) as tf.Scalar,
    params,
  );
  const next = adamw(params, grads, pick('m:'), pick('v:'), {
    learningRate: inputs['lr'] as tf.Scalar,
    biasCorrection1: inputs['c1'] as tf.Scalar,
    biasCorrection2: inputs['c2'] as tf.Scalar,
  });
  const prefixed = (prefix: string, tensors: Record<string, tf.Tensor>) =>
    Object.fromEntries(Object.entries(tensors).map(([n, t]) => [prefix + n, t]));
  return { outputs: { loss: value }, state: { ...prefixed('p:', next.params), ...prefixed('m:', next.m), ...prefixed('v:', next.v) } };
};
const fitParams = { a: values([128, 70], 3), w: values([3, 128], 4), b: values([3], 5) };
const fitState = Object.fromEntries(
  ['p', 'm', 'v'].flatMap((kind) =>
    Object.entries(fitParams).map(([n, t]) => [
      `${kind}:${n}`,
      kind === 'p' ? t : { data: new Float32Array(t.data.length), shape: t.shape },
    ]),
  ),
);
const fitSignature = {
  inputs: { x: { shape: [8, 70] }, y: { shape: [8, 3] }, lr: { shape: [] }, c1: { shape: [] }, c2: { shape: [] } },
  state: specs(fitState)!,
};
const fitInputs = (t: number) => ({
  x: values([8, 70], t),
  y: values([8, 3], t + 50),
  lr: scalar(1e-2),
  c1: scalar(1 / (1 - 0.9 ** t)),
  c2: scalar(1 / (1 - 0.999 ** t)),
});

describe('state', () => {
  it('trains: compiled, eager and K steps per run agree', async () => {
    const run = async (options: object): Promise<Record<string, HostTensor>> => {
      const step = await compile(fit, fitSignature, options);
      step.state = fitState;
      for (let t = 1; t <= 4; t++) await step.run(fitInputs(t));
      return step.state;
    };
    const [onnx, eager] = [await run({}), await run({ engine: 'tfjs' })];
    const loop = await compile(fit, fitSignature, { stepsPerRun: 2 });
    loop.state = fitState;
    const losses: number[] = [];
    for (const t of [1, 3]) {
      const [a, b] = [fitInputs(t), fitInputs(t + 1)];
      const stacked = Object.fromEntries(
        Object.keys(a).map((k) => [
          k,
          { data: Float32Array.from([...a[k as 'x'].data, ...b[k as 'x'].data]), shape: [2, ...a[k as 'x'].shape] },
        ]),
      );
      losses.push(...(await loop.run(stacked))['loss']!.data);
    }
    expect(losses).toHaveLength(4);
    for (const name of Object.keys(fitState)) {
      expect(loop.state[name]!.data, `${name} after two runs of two steps`).toEqual(onnx[name]!.data);
      const scale = Math.max(...eager[name]!.data.map(Math.abs));
      onnx[name]!.data.forEach((v, i) => expect(Math.abs(v - eager[name]!.data[i]!) / scale, name).toBeLessThan(2e-5));
    }
  });
  it('follows torch.optim.AdamW by hand: first step moves by lr * sign(g), after decay', async () => {
    const fn: Traceable = ({ inputs, state }) => {
      const next = adamw(
        { p: state['p']! },
        { p: inputs['g']! },
        { p: state['m']! },
        { p: state['v']! },
        { learningRate: inputs['lr'] as tf.Scalar, biasCorrection1: inputs['c1'] as tf.Scalar, biasCorrection2: inputs['c2'] as tf.Scalar },
      );
      return { outputs: {}, state: { p: next.params['p']!, m: next.m['p']!, v: next.v['p']! } };
    };
    const step = await compile(fn, {
      inputs: { g: { shape: [3] }, lr: { shape: [] }, c1: { shape: [] }, c2: { shape: [] } },
      state: { p: { shape: [3] }, m: { shape: [3] }, v: { shape: [3] } },
    });
    const zeros = { data: new Float32Array(3), shape: [3] };
    step.state = { p: { data: Float32Array.of(1, 2, -1), shape: [3] }, m: zeros, v: zeros };
    await step.run({
      g: { data: Float32Array.of(0.5, -2, 0), shape: [3] },
      lr: scalar(0.1),
      c1: scalar(1 / (1 - 0.9)),
      c2: scalar(1 / (1 - 0.999)),
    });
    const expected = [1 * 0.999 - 0.1, 2 * 0.999 + 0.1, -1 * 0.999];
    step.state['p']!.data.forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, 5));
    const before = Float32Array.from(step.state['p']!.data);
    await step.run({ g: { data: Float32Array.of(1, 1, 1), shape: [3] }, lr: scalar(0), c1: scalar(1), c2: scalar(1) });
    expect(step.state['p']!.data).toEqual(before);
  });
  it('never writes to arrays that were set, an earlier state of its own among them', async () => {
    const step = await compile(({ state }) => ({ outputs: {}, state: { x: tf.add(state['x']!, 1) } }), { state: { x: { shape: [2] } } });
    const given = { x: { data: Float32Array.of(1, 2), shape: [2] } };
    step.state = given;
    await step.run({});
    const earlier = step.state;
    for (let i = 0; i < 4; i++) await step.run({});
    expect([...step.state['x']!.data]).toEqual([6, 7]);
    step.state = earlier;
    const data = Float32Array.from(earlier['x']!.data);
    for (let i = 0; i < 3; i++) await step.run({});
    expect([...step.state['x']!.data]).toEqual([...data].map((x) => x + 3));
    expect([...earlier['x']!.data]).toEqual([...data]);
    expect([...given['x'].data]).toEqual([1, 2]);
  });
  it('refuses wrong state and inputs by name', async () => {
    const step = await compile(fit, fitSignature);
    await expect(step.run(fitInputs(1))).rejects.toThrow(/set \.state/);
    expect(() => (step.state = { ...fitState, 'p:b': values([4]) })).toThrow(/'p:b' is \[4\], expected \[3\]/);
    step.state = fitState;
    await expect(step.run({ ...fitInputs(1), x: values([8, 71]) })).rejects.toThrow(/'x' is \[8, 71\], expected \[8, 70\]/);
    await expect(step.run({ ...fitInputs(1), z: values([1]) })).rejects.toThrow(/'z' is not one of/);
  });
});

describe('errors name op, shapes and module path', () => {
  const tracing = (f: (x: tf.Tensor) => tf.Tensor) => () =>
    trace(({ inputs }) => ({ outputs: { y: withScope('unet', () => withScope('conv_in', () => f(inputs['x']!))) } }), {
      inputs: { x: { shape: [1, 2, 4, 4] } },
    });
  it('reading data', () =>
    expect(tracing((x) => tf.tensor(x.dataSync()))).toThrow(/\[1, 2, 4, 4\].*while a function is being traced in module unet\.conv_in/));
  it('an op without a lowering', () =>
    expect(tracing((x) => tf.cumsum(x, 1))).toThrow(/op Cumsum \(x \[1, 2, 4, 4\]\) has no ONNX lowering in module unet\.conv_in/));
  it('shapes that do not fit', () => {
    expect(tracing((x) => nn.conv2d(x, tf.zeros([3, 5, 3, 3]), null))).toThrow(
      /nn\.conv2d.*\[1, 2, 4, 4\].*\[3, 5, 3, 3\].*in module unet\.conv_in/,
    );
    expect(tracing((x) => tf.add(x, tf.zeros([3])))).toThrow(/op Add cannot take a \[1, 2, 4, 4\], b \[3\] in module unet\.conv_in/);
  });
  it('a parameter that the value does not depend on', () => {
    expect(() =>
      trace(({ inputs }) => ({ outputs: valueAndGrads(() => tf.sum(inputs['x']!), inputs).grads }), {
        inputs: { x: { shape: [2] }, unused: { shape: [2] } },
      }),
    ).toThrow(/does not depend on unused/);
  });
  it('leaves the previous backend set, also after an error', () => expect(tf.getBackend()).toBe('cpu'));
});

describe('graphs', () => {
  it('counts without allocating: 1e9 parameters', () => {
    const graph = trace(({ inputs, constants }) => ({ outputs: { y: nn.linear(inputs['x']!, constants['w']!, null) } }), {
      inputs: { x: { shape: [2, 100_000] } },
      constants: { w: { shape: [10_000, 100_000] } },
    });
    expect(cost(graph)).toMatchObject({ macs: 2e9, constantElements: 1e9, constantBytes: 4e9 });
  });
  it('keeps gradients of means symbolic: no constant of the size of x', () => {
    const graph = trace(({ inputs }) => ({ outputs: valueAndGrads(() => tf.mean(tf.square(inputs['x']!)), inputs).grads }), {
      inputs: { x: { shape: [64, 64] } },
    });
    expect(
      graph.nodes.flatMap((node) => Object.values(node.inputs)).filter((v) => v.source.kind === 'literal' && v.shape.length > 0),
    ).toHaveLength(0);
  });
  it('uses a file in place as external data, also unaligned', async () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'tfjs-onnx-test-'));
    const file = path.join(directory, 'weights.bin');
    writeFileSync(file, Buffer.concat([Buffer.from('abc'), Buffer.from(Float32Array.of(1, 2, 3, 4).buffer)]));
    const constants = { w: { file, offset: 3, length: 16, shape: [2, 2], dtype: 'float32' } as const };
    const double = await compile(
      ({ inputs, constants: c }) => ({ outputs: { y: tf.matMul(inputs['x'] as tf.Tensor2D, c['w'] as tf.Tensor2D) } }),
      { inputs: { x: { shape: [1, 2] } }, constants },
    );
    expect([...(await double.run({ x: { data: Float32Array.of(1, 10), shape: [1, 2] } }))['y']!.data]).toEqual([31, 42]);
    expect(readdirSync(directory)).toEqual(['weights.bin']);
  });
  it('exports an .onnx file that ONNX Runtime loads', async () => {
    const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'tfjs-onnx-test-')), 'model.onnx');
    saveOnnx(({ inputs }) => ({ outputs: { y: tf.add(inputs['x']!, 1) } }), { inputs: { x: { shape: [2] } } }, file);
    const ort = (await import('onnxruntime-node')).default;
    const session = await ort.InferenceSession.create(file);
    expect([...((await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, 2), [2]) }))['out y']!.data as Float32Array)]).toEqual(
      [2, 3],
    );
  });
});
