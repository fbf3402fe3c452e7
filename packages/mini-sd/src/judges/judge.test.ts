import { describe, expect, it } from 'vitest';
import { writeCells } from '../batches/inception.ts';
import { CELLS } from '../networks/inception.ts';
import { holds } from './judge.ts';

describe('holds', () => {
  it('asks for the stated side on the axis that dominates', () => {
    expect(
      holds('left of', [
        [1, 4],
        [6, 4],
      ]),
    ).toBe(true);
    expect(
      holds('left of', [
        [6, 4],
        [1, 4],
      ]),
    ).toBe(false);
    expect(
      holds('right of', [
        [6, 4],
        [1, 3],
      ]),
    ).toBe(true);
    expect(
      holds('above', [
        [4, 1],
        [4, 6],
      ]),
    ).toBe(true);
    expect(
      holds('below', [
        [4, 1],
        [4, 6],
      ]),
    ).toBe(false);
    expect(
      holds('left of', [
        [3, 0],
        [4, 6],
      ]),
    ).toBe(false);
  });
  it('has nothing to say of overlap and rows', () => {
    expect(
      holds('in front of', [
        [1, 1],
        [2, 2],
      ]),
    ).toBeNull();
    expect(
      holds(null, [
        [1, 1],
        [2, 2],
      ]),
    ).toBeNull();
  });
});

describe('writeCells', () => {
  it('labels a cell by the instance that covers at least half of it', () => {
    const instances = new Uint8Array(64 * 64);
    // Instance 1 fills the upper half of cell 0, instance 2 three rows of cell 1.
    for (let y = 0; y < 4; y++) instances.fill(1, y * 64, y * 64 + 8);
    for (let y = 0; y < 3; y++) instances.fill(2, y * 64 + 8, y * 64 + 16);
    const cells = new Int32Array(CELLS * CELLS);
    writeCells(instances, [7, 9], cells);
    expect([...cells.subarray(0, 3)]).toEqual([7, 0, 0]);
    expect(cells.subarray(3).every((label) => label === 0)).toBe(true);
  });
});
