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

test('pixels of four bytes are the same means, byte by byte', () => {
  const planes = Array.from({ length: 4 }, (_, c) => Uint8Array.from({ length: 64 * 64 }, (_, i) => (i * 2654435761 * (c + 1)) >>> 24));
  const pixels = Uint8Array.from({ length: 4 * 64 * 64 }, (_, i) => planes[i % 4]![i >> 2]!);
  pixels.fill(255, 0, 4 * 200);
  planes.forEach((plane) => plane.fill(255, 0, 200));
  const levels = mipLevels(pixels, 4);
  planes.forEach((plane, c) =>
    mipLevels(plane, 1).forEach((level, l) => expect(levels[l]!.filter((_, i) => i % 4 === c)).toEqual(Uint8Array.from(level))),
  );
});
