import { describe, expect, it } from 'vitest';
import { localBatches, makeBatches } from './batch.ts';
import { shuffledIndices } from './shuffled-indices.ts';

const make = (step: number) => ({
  inputs: { x: { data: Float32Array.of(step, step + 0.5), shape: [2] }, id: { data: Int32Array.of(step), shape: [1, 1] } },
  indices: [step],
});

describe('makeBatches', () => {
  it('passes one step through and stacks several', async () => {
    expect(await localBatches(make).next(3, 1, 10)).toEqual({ inputs: make(3).inputs, indices: [[3]] });
    expect(await makeBatches(make, 3, 2)).toEqual({
      inputs: { x: { data: Float32Array.of(3, 3.5, 4, 4.5), shape: [2, 2] }, id: { data: Int32Array.of(3, 4), shape: [2, 1, 1] } },
      indices: [[3], [4]],
    });
  });
  it('names the input that does not fit', async () => {
    const short = () => ({ inputs: { x: { data: new Float32Array(2), shape: [3] } }, indices: [0] });
    await expect(makeBatches(short, 5, 1)).rejects.toThrow('Error in the batch of step 5: input x has 2 values for shape [3]');
    const growing = (step: number) => ({ inputs: { x: { data: new Float32Array(step), shape: [step] } }, indices: [0] });
    await expect(makeBatches(growing, 5, 2)).rejects.toThrow('batch of step 6: expected input x of shape [5] as at step 5, got [6]');
  });
});

describe('shuffledIndices', () => {
  it('visits every sample once an epoch, across batch borders', () => {
    const indices = shuffledIndices({ seed: 1, datasetSize: 5, batchSize: 3 });
    const flat = Array.from({ length: 5 }, (_, step) => indices(step)).flat();
    for (let epoch = 0; epoch < 3; epoch++) expect(flat.slice(epoch * 5, epoch * 5 + 5).sort()).toEqual([0, 1, 2, 3, 4]);
    expect(indices(1)).toEqual(flat.slice(3, 6));
    expect(shuffledIndices({ seed: 2, datasetSize: 50, batchSize: 10 })(0)).not.toEqual(
      shuffledIndices({ seed: 1, datasetSize: 50, batchSize: 10 })(0),
    );
  });
});
