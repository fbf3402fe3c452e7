import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import {
  compile,
  trace,
  valueAndGrads,
  type CompiledFunction,
  type CompileOptions,
  type HostTensor,
  type NamedTensors,
  type Provider,
  type TensorSpec,
} from '../index.ts';

/** The tests of ops run on the CPU; on a graphics card with TFJS_ONNX_PROVIDER=webgpu or cuda. */
const here: CompileOptions = { threads: 1, provider: (process.env['TFJS_ONNX_PROVIDER'] ?? 'cpu') as Provider };

/** A function of one tensor or several, and what it is tried on. */
export interface Case {
  readonly f: (t: NamedTensors) => tf.Tensor;
  readonly on: Readonly<Record<string, HostTensor>>;
}

export const floats = (shape: readonly number[], data: readonly number[]): HostTensor => ({ data: Float32Array.from(data), shape });
export const integers = (shape: readonly number[], data: readonly number[]): HostTensor => ({ data: Int32Array.from(data), shape });

/** Values of no pattern in [-1, 1], the same at every call. */
export const wave = (shape: readonly number[], seed = 1): HostTensor =>
  floats(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(1.7 * i + seed)),
  );

/** 1, 2, 3, ... */
export const ramp = (shape: readonly number[], first = 1): HostTensor =>
  floats(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + i),
  );

type Cases = Readonly<Record<string, Case>>;

const specOf = ({ shape, data }: HostTensor): TensorSpec => ({ shape, dtype: data instanceof Int32Array ? 'int32' : 'float32' });

/** All tensors of all cases, by case and name. */
const inputsOf = (cases: Cases): Record<string, HostTensor> =>
  Object.fromEntries(Object.entries(cases).flatMap(([id, { on }]) => Object.entries(on).map(([name, t]) => [`${id}/${name}`, t])));

const ofCase = (id: string, { on }: Case, inputs: NamedTensors): NamedTensors =>
  Object.fromEntries(Object.keys(on).map((name) => [name, inputs[`${id}/${name}`]!]));

/** The cases' results. They are one graph: a session costs as much as a hundred small kernels. */
export async function results(cases: Cases, engine: 'onnx' | 'tfjs' = 'onnx'): Promise<Record<string, HostTensor>> {
  const on = inputsOf(cases);
  const compiled = await compile(
    ({ inputs }) => ({ outputs: Object.fromEntries(Object.entries(cases).map(([id, one]) => [id, one.f(ofCase(id, one, inputs))])) }),
    { inputs: Object.fromEntries(Object.entries(on).map(([name, t]) => [name, specOf(t)])) },
    { ...here, engine },
  );
  try {
    return await compiled.run(on);
  } finally {
    await compiled.release();
  }
}

/** Fails unless a result has this shape, and these values to five digits of the largest. */
export function expectTensor(actual: HostTensor | undefined, shape: readonly number[], values: readonly number[], what = ''): void {
  expect(actual?.shape, what).toEqual(shape);
  const digits = 1e-5 * Math.max(1, ...values.filter(Number.isFinite).map(Math.abs));
  expect(actual!.data.length, what).toBe(values.length);
  values.forEach((value, i) => {
    const got = actual!.data[i]!;
    if (Number.isFinite(value)) expect(Math.abs(got - value), `${what}[${i}]: ${got}, expected ${value}`).toBeLessThanOrEqual(digits);
    else expect(got, `${what}[${i}]`).toBe(value);
  });
}

const weightOf = (i: number): number => Math.cos(2.3 * i + 0.5);
/** Of a float32 sum of ordinary numbers, the step at which rounding and the fifth derivative err alike. */
const STEP = 1 / 32;
const TOLERANCE = 2e-4;

/**
 * Holds the gradients of a fixed weighted sum of every case's result against central differences of fourth order of the compiled function
 * itself; the sum is taken in float64.
 */
export async function checkGradients(cases: Cases): Promise<void> {
  const on = inputsOf(cases);
  const compiled = await compile(
    ({ inputs }) => {
      const outputs: NamedTensors = {};
      for (const [id, one] of Object.entries(cases)) {
        const given = ofCase(id, one, inputs);
        const trained = Object.fromEntries(Object.entries(given).filter(([, t]) => t.dtype === 'float32'));
        const { grads } = valueAndGrads(() => {
          const y = tf.keep(one.f(given));
          outputs[`y/${id}`] = y;
          const weights = tf.tensor(
            Array.from({ length: y.size }, (_, i) => weightOf(i)),
            [y.size],
          );
          return tf.sum(tf.mul(tf.reshape(y, [-1]), weights));
        }, trained);
        for (const [name, gradient] of Object.entries(grads)) outputs[`${id}/${name}`] = gradient;
      }
      return { outputs };
    },
    { inputs: Object.fromEntries(Object.entries(on).map(([name, t]) => [name, specOf(t)])) },
    here,
  );
  try {
    const gradients = await compiled.run(on);
    const numeric = await centralDifferences(compiled, on, Object.keys(cases));
    for (const [name, differences] of Object.entries(numeric)) {
      const scale = Math.max(1, ...differences.map(Math.abs));
      expect(gradients[name]!.shape, name).toEqual(on[name]!.shape);
      differences.forEach((expected, i) => {
        const got = gradients[name]!.data[i]!;
        expect(Math.abs(got - expected) / scale, `d ${name}[${i}] is ${got}, the difference quotient ${expected}`).toBeLessThan(TOLERANCE);
      });
    }
  } finally {
    await compiled.release();
  }
}

/** d (weighted sum of a case's result) / d (every number it depends on): one number of every case is moved at a time. */
async function centralDifferences(
  compiled: CompiledFunction,
  on: Record<string, HostTensor>,
  ids: readonly string[],
): Promise<Record<string, number[]>> {
  const numbers = (id: string): [name: string, i: number][] =>
    Object.entries(on).flatMap(([name, { data }]) =>
      name.startsWith(`${id}/`) && data instanceof Float32Array ? Array.from(data, (_, i): [string, number] => [name, i]) : [],
    );
  const moved = ids.map(numbers);
  const found: Record<string, number[]> = {};
  for (let k = 0; k < Math.max(...moved.map(({ length }) => length)); k++) {
    const sums = async (by: number): Promise<number[]> => {
      const given = { ...on };
      for (const list of moved) {
        const [name, i] = list[k] ?? [];
        if (name === undefined) continue;
        const data = on[name]!.data.slice();
        data[i!]! += by;
        given[name] = { data, shape: on[name]!.shape };
      }
      const out = await compiled.run(given);
      return ids.map((id) => Array.from(out[`y/${id}`]!.data).reduce((sum, y, i) => sum + y * weightOf(i), 0));
    };
    const [near, far] = [
      [await sums(STEP), await sums(-STEP)],
      [await sums(2 * STEP), await sums(-2 * STEP)],
    ] as const;
    moved.forEach((list, c) => {
      const [name, i] = list[k] ?? [];
      if (name === undefined) return;
      const slope = (8 * (near[0]![c]! - near[1]![c]!) - (far[0]![c]! - far[1]![c]!)) / (12 * STEP);
      (found[name] ??= [])[i!] = slope;
    });
  }
  return found;
}

/** Fails unless both engines refuse a function, with a message like this. */
export async function expectRefused(one: Case, message: RegExp): Promise<void> {
  await expect(results({ one }, 'tfjs'), 'tfjs').rejects.toThrow(message);
  expect(
    () =>
      trace(({ inputs }) => ({ outputs: { y: one.f(inputs) } }), {
        inputs: Object.fromEntries(Object.entries(one.on).map(([name, t]) => [name, specOf(t)])),
      }),
    'onnx',
  ).toThrow(message);
}
