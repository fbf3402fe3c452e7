import { resample, type RgbImage } from '@controllab/data';

/** Bits of a perceptual hash that may differ between near duplicates. */
export const NEAR_BITS = 4;

const [COLUMNS, ROWS] = [9, 8];
/** One band more than bits may differ: two near hashes agree in one of them. */
const BANDS = NEAR_BITS + 1;

/** Difference hash: whether each of 8 x 8 grey cells is darker than its right neighbour. 64 bits as text of zeros and ones. */
export function differenceHash({ rgb, width, height }: RgbImage): string {
  const small = resample(rgb, { width, height }, { width: COLUMNS, height: ROWS }, 'bilinear');
  // Rec. 601's weights, in thousandths.
  const grey = (x: number, y: number): number => {
    const at = (y * COLUMNS + x) * 3;
    return small[at]! * 299 + small[at + 1]! * 587 + small[at + 2]! * 114;
  };
  let bits = '';
  for (let y = 0; y < ROWS; y++) for (let x = 0; x + 1 < COLUMNS; x++) bits += grey(x, y) < grey(x + 1, y) ? '1' : '0';
  return bits;
}

const differences = (a: string, b: string): number => {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
};

/** Pairs of hashes that differ in at most `NEAR_BITS`, each once, at most `limit` of them: a flat set would have millions. */
export function nearPairs(hashes: readonly string[], limit: number): [number, number][] {
  const pairs: [number, number][] = [];
  const bands = Array.from({ length: BANDS }, () => new Map<string, number[]>());
  for (const [i, hash] of hashes.entries()) {
    const width = Math.ceil(hash.length / BANDS);
    const candidates = new Set<number>();
    for (const [b, band] of bands.entries()) {
      const key = hash.slice(b * width, (b + 1) * width);
      for (const other of band.get(key) ?? []) candidates.add(other);
      band.set(key, [...(band.get(key) ?? []), i]);
    }
    for (const other of [...candidates].sort((a, b) => a - b))
      if (differences(hash, hashes[other]!) <= NEAR_BITS && pairs.push([other, i]) === limit) return pairs;
  }
  return pairs;
}
