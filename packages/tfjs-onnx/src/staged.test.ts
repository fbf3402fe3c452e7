import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, type CompileOptions } from './compile.ts';
import { useTfjsBackend } from './eager.ts';
import { nn } from './index.ts';
import { loweredNodes } from './lower.ts';
import { compileStaged, splitGraph } from './staged.ts';
import { trace, type Traceable } from './trace.ts';
import type { HostTensor } from './types.ts';

const host = (shape: number[], from = 0): HostTensor => ({
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(from + i)),
  shape,
});
const constants = { filter: host([4, 3, 3, 3], 5), bias: host([4], 9), weight: host([4, 4, 3, 3], 11) };

/** A hint is encoded and added to what a picture becomes; one output needs the hint alone, one nothing at all. */
const fn: Traceable = ({ inputs, constants: { filter, bias, weight } }) => {
  const hint = nn.silu(nn.conv2d(inputs['hint']!, filter!, bias!, { padding: 1 }));
  const x = nn.conv2d(inputs['x']!, filter!, bias!, { padding: 1 });
  const up = nn.conv2d(nn.upsampleNearest2x(tf.add(x, hint)), weight!, bias!, { padding: 1 });
  return { outputs: { up: tf.mul(up, inputs['scale']!), hint, same: inputs['hint']!, bias: tf.square(bias!) } };
};
const signature = { inputs: { x: { shape: [2, 3, 4, 4] }, hint: { shape: [2, 3, 4, 4] }, scale: { shape: [1] } }, constants };
const [x, hint, scale] = [host([2, 3, 4, 4], 1), host([2, 3, 4, 4], 2), host([1], 3)];

function near(given: Record<string, HostTensor>, expected: Record<string, HostTensor>): void {
  expect(Object.keys(given)).toEqual(Object.keys(expected));
  for (const [name, { data, shape }] of Object.entries(expected)) {
    expect(given[name]!.shape).toEqual(shape);
    data.forEach((value, i) => expect(given[name]!.data[i]).toBeCloseTo(value, 4));
  }
}

const convolutions = ({ nodes }: { nodes: readonly { op: string }[] }): number => nodes.filter(({ op }) => op === 'nn.Conv2d').length;

describe('splitGraph', () => {
  it('puts what the fixed inputs alone decide into the first part, and names what the second reads of it', () => {
    const { early, late } = splitGraph(trace(fn, signature), new Set(['hint']));
    expect([convolutions(early), [...early.inputs.keys()], [...early.outputs.keys()]]).toEqual([1, ['hint'], ['held 0']]);
    expect([...late.inputs.keys()]).toEqual(['x', 'hint', 'scale', 'held 0']);
    expect([...late.outputs.keys()]).toEqual(['up', 'hint', 'same', 'bias']);
    expect(convolutions(late)).toBe(convolutions(loweredNodes(trace(fn, signature))) - 1);
  });

  it('leaves the first part empty where nothing is computed from the fixed inputs alone', () => {
    const { early, late } = splitGraph(trace(fn, signature), new Set(['scale']));
    expect([early.outputs.size, early.inputs.size]).toEqual([0, 0]);
    expect([...late.inputs.keys()]).toEqual(['x', 'hint', 'scale']);
  });
});

describe.each<CompileOptions['engine']>(['onnx', 'tfjs'])('compileStaged on %s', (engine) => {
  const options: CompileOptions = { engine, threads: 1, name: 'staged' };
  beforeAll(async () => {
    if (engine === 'tfjs') await useTfjsBackend();
  });

  it.each([[[]], [['hint']], [['scale']], [['hint', 'scale']], [['x', 'hint', 'scale']]])(
    'gives what the whole function gives, with %j fixed',
    async (fixed: string[]) => {
      const whole = await compile(fn, signature, options);
      const staged = await compileStaged(fn, signature, fixed, options);
      for (const given of [
        { x, hint, scale },
        { x: hint, hint: x, scale: host([1], 4) },
      ] as Record<string, HostTensor>[]) {
        const part = (inside: boolean) => Object.fromEntries(Object.entries(given).filter(([name]) => fixed.includes(name) === inside));
        const expected = await whole.run(given);
        const held = await staged.hold(part(true));
        // ONNX Runtime adds in another order where it fuses a sum into a convolution.
        for (let run = 0; run < 2; run++) near(await held.run(part(false)), expected);
      }
      await Promise.all([whole.release(), staged.release()]);
    },
  );

  it('keeps what is held apart', async () => {
    const staged = await compileStaged(fn, signature, ['hint'], options);
    const [first, second] = [await staged.hold({ hint }), await staged.hold({ hint: x })];
    const before = await first.run({ x, scale });
    await second.run({ x, scale });
    expect(await first.run({ x, scale })).toEqual(before);
    expect(await second.run({ x, scale })).not.toEqual(before);
    await staged.release();
  });

  it('names what does not fit', async () => {
    await expect(compileStaged(fn, signature, ['hints'], options)).rejects.toThrow(/staged: no inputs are called hints/);
    const staged = await compileStaged(fn, signature, ['hint'], options);
    const run = async (fixed: Record<string, HostTensor>, rest: Record<string, HostTensor>) => (await staged.hold(fixed)).run(rest);
    await expect(run({}, { x, scale })).rejects.toThrow(/'hint' \[2, 3, 4, 4\] is missing/);
    await expect(run({ hint }, { x })).rejects.toThrow(/'scale' \[1\] is missing/);
    await expect(run({ hint, x }, { x, scale })).rejects.toThrow(/'x' is not one of/);
    await staged.release();
  });
});
