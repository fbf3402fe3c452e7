import { expect, test } from 'vitest';
import { alphaBox, rasterise, resampleCell } from './rasterise.ts';

// 36 of 144 px wide and 72 px high, half transparent red.
const svg =
  '<svg xmlns="http://www.w3.org/2000/svg" width="144" height="144"><rect x="18" y="36" width="36" height="72" fill="#f00" fill-opacity="0.5"/></svg>';

test('a rectangle is boxed, centred in its cell and premultiplied', async () => {
  const rgba = await rasterise(svg);
  const box = alphaBox(rgba);
  expect(box).toEqual({ left: 18, top: 36, right: 53, bottom: 107 });
  const cell = resampleCell(rgba, box);
  const at = (x: number, y: number) => [...cell.subarray((y * 64 + x) * 4, (y * 64 + x) * 4 + 4)];
  expect(at(15, 0)).toEqual([0, 0, 0, 0]);
  expect(at(16, 0)).toEqual([128, 0, 0, 128]);
  expect(at(47, 63)).toEqual([128, 0, 0, 128]);
  expect(at(48, 63)).toEqual([0, 0, 0, 0]);
});
