import type { Dataset, RgbImage } from '@controllab/data';

const SIDE = 4;
const COUNT = 16;

const shaded = (shade: number): RgbImage => ({ rgb: new Uint8Array(SIDE * SIDE * 3).fill(shade), width: SIDE, height: SIDE });

/** Pictures of one shade each, sixteen times as bright as their number; the condition `negative` is the rest to 255. */
export default function shadedPictures(): Dataset {
  return {
    id: 'shaded pictures',
    hash: 'shaded',
    length: COUNT,
    conditions: ['negative'],
    reference: { module: import.meta.url, data: null },
    example: (index) =>
      Promise.resolve({ image: shaded(16 * index), captions: { caption: '' }, condition: () => shaded(255 - 16 * index) }),
  };
}
