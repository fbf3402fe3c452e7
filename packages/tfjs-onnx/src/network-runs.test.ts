import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { compile } from './compile.ts';
import { noteNetworkRun, recordNetworkRuns } from './network-runs.ts';

const signature = { inputs: { x: { shape: [2] } } };
const double = ({ inputs }: { inputs: Record<string, tf.Tensor> }) => ({ outputs: { y: tf.mul(inputs['x']!, 2) } });
const x = { data: Float32Array.of(1, 2), shape: [2] };

it('tells what ran, on what it really ran, once', async () => {
  await tf.setBackend('cpu');
  const before = await compile(double, signature, { name: 'before', threads: 1 });
  const { value, runs } = await recordNetworkRuns(async () => {
    await before.run({ x });
    await before.run({ x });
    const eager = await compile(double, signature, { name: 'eager', engine: 'tfjs', threads: 1 });
    await eager.run({ x });
    return 3;
  });
  expect(value).toBe(3);
  expect(runs).toEqual([
    { name: 'before', engine: 'onnx', provider: 'cpu', threads: 1, stateful: false },
    { name: 'eager', engine: 'tfjs', provider: 'cpu', threads: null, stateful: false },
  ]);
  await before.release();
});

it('tells apart what trains, from its loading on', async () => {
  const count = ({ state }: { state: Record<string, tf.Tensor> }) => ({ outputs: {}, state: { n: tf.add(state['n']!, 1) } });
  const { runs } = await recordNetworkRuns(async () => {
    await (await compile(count, { state: { n: { shape: [] } } }, { name: 'count', threads: 1 })).release();
  });
  expect(runs).toEqual([{ name: 'count', engine: 'onnx', provider: 'cpu', threads: 1, stateful: true }]);
});

it('keeps recordings apart: side by side, and one inside another', async () => {
  const note = (name: string): void => noteNetworkRun({ name, engine: 'onnx', provider: 'cpu', threads: 1, stateful: false });
  const names = async (work: () => Promise<unknown>): Promise<string[]> => (await recordNetworkRuns(work)).runs.map(({ name }) => name);
  const slow = async (name: string): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    note(name);
  };
  expect(await Promise.all([names(() => slow('a')), names(() => slow('b'))])).toEqual([['a'], ['b']]);
  expect(
    await names(async () => {
      note('outer');
      expect(await names(() => slow('inner'))).toEqual(['inner']);
    }),
  ).toEqual(['outer']);
  note('nobody listens');
});
