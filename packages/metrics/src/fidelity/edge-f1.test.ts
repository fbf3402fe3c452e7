import { describe, expect, it } from 'vitest';
import { edgeF1 } from './edge-f1.ts';

/** A picture of an edge map, # for edges. */
const map = (...rows: string[]) => Uint8Array.from(rows.join(''), (c) => (c === '#' ? 255 : 0));
const f1 = (a: Uint8Array, b: Uint8Array, tolerance: number) => edgeF1(a, b, 4, 3, { tolerance });

const column0 = map('#...', '#...', '#...');
const column1 = map('.#..', '.#..', '.#..');
const column3 = map('...#', '...#', '...#');
const empty = map('....', '....', '....');

describe('edgeF1', () => {
  it('counts a shift by one pixel only without tolerance', () => {
    expect(f1(column0, column0, 0)).toEqual({ precision: 1, recall: 1, f1: 1 });
    expect(f1(column0, column1, 1)).toEqual({ precision: 1, recall: 1, f1: 1 });
    expect(f1(column0, column1, 0)).toEqual({ precision: 0, recall: 0, f1: 0 });
    expect(f1(column1, column3, 1)).toEqual({ precision: 0, recall: 0, f1: 0 });
  });
  it('does not reach across the border of a row', () => {
    // the last pixel of a row and the first of the next lie beside each other in memory
    expect(f1(map('...#', '....', '....'), map('....', '#...', '....'), 1).f1).toBe(0);
  });
  it('tells precision from recall', () => {
    const predicted = map('##..', '....', '...#');
    const target = map('#...', '....', '#...');
    // predicted (0,0) and (1,0) have (0,0) near, (3,2) has none; of the target only (0,0) is found
    expect(f1(predicted, target, 1)).toEqual({ precision: 2 / 3, recall: 1 / 2, f1: expect.closeTo(4 / 7, 12) as number });
    expect(f1(predicted, target, 0)).toEqual({ precision: 1 / 3, recall: 1 / 2, f1: expect.closeTo(2 / 5, 12) as number });
    expect(f1(target, predicted, 1)).toEqual({ precision: 1 / 2, recall: 2 / 3, f1: expect.closeTo(4 / 7, 12) as number });
  });
  it('defines empty maps', () => {
    expect(f1(empty, empty, 1).f1).toBe(1);
    expect(f1(empty, column0, 1)).toEqual({ precision: 0, recall: 0, f1: 0 });
    expect(f1(column0, empty, 1).f1).toBe(0);
  });
  it('takes any tolerance in whole pixels, along both axes', () => {
    const corner = map('#...', '....', '....');
    expect(f1(corner, map('....', '....', '..#.'), 1).f1).toBe(0);
    expect(f1(corner, map('....', '....', '..#.'), 2).f1).toBe(1);
    expect(f1(corner, column3, 2)).toEqual({ precision: 0, recall: 0, f1: 0 });
    expect(f1(corner, column3, 3)).toEqual({ precision: 1, recall: 1, f1: 1 });
    expect(() => f1(corner, corner, 0.5)).toThrow(/tolerance in whole pixels, got 0.5/);
  });
  it('refuses maps of another size, empty maps and NaN', () => {
    expect(() => edgeF1([], [], 0, 0, { tolerance: 1 })).toThrow(/empty/);
    expect(() => edgeF1([1, Number.NaN], [1, 1], 2, 1, { tolerance: 1 })).toThrow(/sample 1 is NaN/);
    expect(() => edgeF1(empty, new Uint8Array(5), 4, 3, { tolerance: 1 })).toThrow(/3x4 = 12 pixels, got 12 and 5/);
  });
});
