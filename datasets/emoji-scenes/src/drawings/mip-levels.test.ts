import { expect, test } from 'vitest';
import { mipLevels } from './mip-levels.ts';

test('a level is the rounded 2x2 mean of the one before, cell by cell', () => {
  const cells = new Uint8Array(2 * 64 * 64);
  cells.set([10, 20], 0);
  cells.set([30, 41], 64);
  cells.fill(200, 64 * 64);
  const [first, second, third] = mipLevels(cells, 1);
  expect([first!.length, second!.length, third!.length]).toEqual([8192, 2048, 512]);
  expect(second![0]).toBe(25);
  expect(second![1]).toBe(0);
  expect(third![0]).toBe(6);
  expect(second![32 * 32]).toBe(200);
  expect(third![511]).toBe(200);
});
