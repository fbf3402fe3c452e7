import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, scalar, useTfjsBackend, type HostTensor, type Signature, type Traceable } from './index.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** A running sum that also says which term was largest. */
const accumulate: Traceable = ({ inputs, state }) => {
  const total = tf.add(state['total']!, inputs['x']!);
  return { outputs: { mean: tf.mean(total), largest: tf.argMax(total) }, state: { total } };
};
const signature: Signature = { inputs: { x: { shape: [2] } }, state: { total: { shape: [2] } } };
const total: HostTensor = { data: Float32Array.of(0, 1), shape: [2] };

describe('the eager engine', () => {
  it.each(['onnx', 'tfjs'] as const)('runs K steps per call like K calls: %s', async (engine) => {
    const three = await compile(accumulate, signature, { engine, stepsPerRun: 3 });
    three.state = { total };
    const { mean, largest } = await three.run({ x: { data: Float32Array.of(1, 0, 3, 0, 0, 8), shape: [3, 2] } });
    expect(mean).toEqual({ data: Float32Array.of(1, 2.5, 6.5), shape: [3] });
    expect(largest).toEqual({ data: Int32Array.of(0, 0, 1), shape: [3] });
    expect(three.state['total']).toEqual({ data: Float32Array.of(4, 9), shape: [2] });
    await expect(three.run({ x: { data: Float32Array.of(1, 0), shape: [2] } })).rejects.toThrow(/'x' is \[2\], expected \[3, 2\]/);
  });

  it('keeps constants and state usable when they are outputs', async () => {
    const fn: Traceable = ({ state, constants }) => ({ outputs: { w: constants['w']!, s: state['s']! }, state: { s: state['s']! } });
    const f = await compile(fn, { state: { s: { shape: [] } }, constants: { w: scalar(3) } }, { engine: 'tfjs' });
    f.state = { s: scalar(4) };
    for (let i = 0; i < 2; i++) expect(await f.run({})).toEqual({ w: scalar(3), s: scalar(4) });
  });

  it('leaves no tensors behind', async () => {
    const f = await compile(accumulate, signature, { engine: 'tfjs' });
    f.state = { total };
    const before = tf.memory().numTensors;
    await f.run({ x: total });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('cannot use a file in place, and says so', async () => {
    const constants = { w: { file: 'w.safetensors', offset: 0, length: 8, shape: [2], dtype: 'float32' } as const };
    await expect(compile(accumulate, { ...signature, constants }, { engine: 'tfjs' })).rejects.toThrow(
      /constant 'w' \[2\] lies in a file, which only the onnx engine uses in place/,
    );
  });

  it('does not run on the recording backend', async () => {
    await tf.setBackend('tfjs-onnx');
    try {
      await expect(compile(accumulate, signature, { engine: 'tfjs' })).rejects.toMatchObject({ code: 'engine-unavailable' });
      expect(() => tf.add(tf.scalar(1), 1)).toThrow(/op Add ran on the 'tfjs-onnx' backend outside compile\(\) or trace\(\)/);
    } finally {
      await tf.setBackend('cpu');
    }
  });

  it("takes TensorFlow's library where the native part is installed, and otherwise says how to install it", async () => {
    const { backend, runtime, note } = await useTfjsBackend();
    expect(backend).toBe(tf.getBackend());
    if (backend === 'tensorflow') expect([note, runtime]).toEqual([null, expect.stringMatching(/^TensorFlow 2\.\d+\.\d+ \((GPU|CPU)\)$/)]);
    else
      expect({ backend, runtime, note }).toEqual({
        backend: 'cpu',
        runtime: 'JavaScript',
        note: expect.stringMatching(
          /^tfjs-node-gpu is not usable here \(.+[^.\s]\); install its native part with 'npm run install:tfjs-gpu' or, for the CPU alone, 'npm run install:tfjs-cpu'\. Using .* slow\.$/,
        ),
      });
  });
});

describe('options', () => {
  it('a mistyped engine, provider or step count is an error that lists what there is', async () => {
    await expect(compile(accumulate, signature, { engine: 'onx' as 'onnx' })).rejects.toThrow(/no engine 'onx'; use 'onnx' or 'tfjs'/);
    await expect(compile(accumulate, signature, { provider: 'gpu' as 'cuda' })).rejects.toThrow(/no provider 'gpu'; use cpu, webgpu, cuda/);
    await expect(compile(accumulate, signature, { stepsPerRun: 0 })).rejects.toThrow(/stepsPerRun is 0/);
  });
});

describe('values that are not finite', () => {
  const loss: Traceable = ({ inputs, state }) => {
    const w = tf.sub(state['w']!, inputs['x']!);
    return { outputs: { loss: tf.mean(tf.relu(tf.maximum(tf.square(w), 0))) }, state: { w } };
  };
  it.each(['onnx', 'tfjs'] as const)('flow into the outputs and the state, and nothing stops: %s', async (engine) => {
    const f = await compile(loss, { inputs: { x: { shape: [2] } }, state: { w: { shape: [2] } } }, { engine });
    f.state = { w: total };
    expect((await f.run({ x: { data: Float32Array.of(NaN, 0), shape: [2] } }))['loss']!.data[0]).toBeNaN();
    expect([...f.state['w']!.data]).toEqual([NaN, 1]);
    f.state = { w: total };
    expect((await f.run({ x: { data: Float32Array.of(Infinity, 0), shape: [2] } }))['loss']!.data[0]).toBe(Infinity);
  });
});
