import { expect, it } from 'vitest';
import type { CompiledFunction, HostTensor } from '@controllab/tfjs-onnx';
import type { OptimizerSettings } from '../optimizer-inputs.ts';
import { stepOfSizes } from './step-of-sizes.ts';

const compiled: string[] = [];
const released: string[] = [];

/** A step that adds its width to its state: what it is called with decides what comes out. */
function widthAdder({ height, width }: { height: number; width: number }): CompiledFunction & { optimizer: OptimizerSettings } {
  compiled.push(`${width}x${height}`);
  let state: Record<string, HostTensor> = {};
  return {
    stepsPerRun: 1,
    cost: { macs: 0, byModule: new Map() } as unknown as CompiledFunction['cost'],
    optimizer: { beta1: 0.9, beta2: 0.999, emaDecay: undefined },
    get state() {
      return state;
    },
    set state(next) {
      state = next;
    },
    async run() {
      state = { sum: { data: Float32Array.of(state['sum']!.data[0]! + width), shape: [] } };
      return { loss: state['sum']! };
    },
    release: async () => void released.push(`${width}x${height}`),
  };
}

const sample = (height: number, width: number): Record<string, HostTensor> => ({
  sample: { data: new Float32Array(4 * height * width), shape: [1, 4, height, width] },
});

it('runs each batch on the step of its size, with the state of the last one, and compiles each size once', async () => {
  const sizes = [
    { height: 4, width: 4 },
    { height: 2, width: 8 },
    { height: 8, width: 2 },
  ] as const;
  const step = await stepOfSizes(sizes, async (size) => widthAdder(size));
  step.state = { sum: { data: Float32Array.of(100), shape: [] } };
  const sums: number[] = [];
  for (const [height, width] of [
    [4, 4],
    [2, 8],
    [2, 8],
    [4, 4],
    [2, 8],
  ] as const)
    sums.push((await step.run(sample(height, width)))['loss']!.data[0]!);
  expect(sums).toEqual([104, 112, 120, 124, 132]);
  expect(step.state['sum']!.data[0]).toBe(132);
  // A size that no batch had is not compiled.
  expect(compiled).toEqual(['4x4', '8x2']);
  step.state = { sum: { data: Float32Array.of(1), shape: [] } };
  expect((await step.run(sample(4, 4)))['loss']!.data[0]).toBe(5);
  await expect(step.run(sample(6, 6))).rejects.toThrow(/no step is for latents of 6 x 6; there are 4 x 4, 2 x 8, 8 x 2/);
  await step.release();
  expect(released).toEqual(['4x4', '8x2']);
});
