import { expect, it } from 'vitest';
import { differenceHash, nearPairs } from './duplicates.ts';

it('hashes whether cells get brighter to the right', () => {
  const ramp = (rising: boolean) => ({
    rgb: Uint8Array.from({ length: 9 * 8 * 3 }, (_, i) => (rising ? 1 : -1) * 20 * (Math.floor(i / 3) % 9) + (rising ? 0 : 200)),
    width: 9,
    height: 8,
  });
  expect([differenceHash(ramp(true)), differenceHash(ramp(false))]).toEqual(['1'.repeat(64), '0'.repeat(64)]);
});

it('finds hashes that differ in four bits, wherever these are', () => {
  const base = '01'.repeat(32);
  const flipped = (...at: number[]): string => [...base].map((bit, i) => (at.includes(i) ? String(1 - Number(bit)) : bit)).join('');
  const hashes = [base, flipped(0, 20, 40, 63), flipped(0, 13, 26, 39, 60), flipped(1, 2, 3, 4)];
  expect(nearPairs(hashes, 10)).toEqual([[0, 1], [0, 3]]); // prettier-ignore
  expect(nearPairs([base, base, base], 2)).toHaveLength(2);
});
