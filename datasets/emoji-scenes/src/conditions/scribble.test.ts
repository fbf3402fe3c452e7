import { expect, test } from 'vitest';
import { scribble } from './scribble.ts';

test('an outline is three pixels wide, clipped at the image', () => {
  // One instance in the left half of a 6x6 image: the contour runs along column 2.
  const instances = new Uint8Array(36).map((_, p) => (p % 6 <= 2 ? 1 : 0));
  const out = new Uint8Array(36).fill(7);
  scribble(instances, 6, out);
  for (let y = 0; y < 6; y++) expect([...out.subarray(y * 6, y * 6 + 6)]).toEqual([0, 255, 255, 255, 0, 0]);
});

test('touching instances are outlined against each other, an empty map not at all', () => {
  const out = new Uint8Array(16);
  scribble(Uint8Array.from([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]), 4, out);
  expect([...out]).toEqual([255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]);
  scribble(new Uint8Array(16), 4, out);
  expect([...out]).toEqual(Array(16).fill(0));
});
