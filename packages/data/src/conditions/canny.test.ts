import { expect, test } from 'vitest';
import { allocateCanny, canny } from './canny.ts';
import { DataError } from '../errors.ts';

type Pixel = readonly [number, number, number];

/** Three columns of one colour, then three of another, four rows. */
const step = (left: Pixel, right: Pixel) =>
  Uint8Array.from(Array.from({ length: 4 }, () => [left, left, left, right, right, right].flat()).flat());
const rows = (edges: Uint8Array, width: number) =>
  Array.from({ length: edges.length / width }, (_, y) =>
    [...edges.subarray(y * width, (y + 1) * width)].map((value) => (value === 255 ? '#' : value === 0 ? '.' : '?')).join(''),
  );

// The Sobel sum of a step of height h is 4h in the two columns beside it; of that tie the left column is kept.
test('a step of 60 has gradient 240, above the high threshold', () => {
  expect(rows(canny(step([0, 0, 0], [60, 60, 60]), 6, 4), 6)).toEqual(['..#...', '..#...', '..#...', '..#...']);
});

test('a step of 30 has gradient 120: weak, and nothing strong to hold on to', () => {
  expect(rows(canny(step([0, 0, 0], [30, 30, 30]), 6, 4), 6)).toEqual(Array(4).fill('......'));
  expect(rows(canny(step([0, 0, 0], [30, 30, 30]), 6, 4, { high: 119 }), 6)).toEqual(Array(4).fill('..#...'));
});

test('a weak edge connected to a strong one is kept', () => {
  const image = step([0, 0, 0], [30, 30, 30]);
  for (let x = 3; x < 6; x++) image.set([90, 90, 90], x * 3);
  // Rows 2 and 3 are weak by themselves, as in the test above.
  expect(rows(canny(image, 6, 4), 6).slice(2)).toEqual(['..#...', '..#...']);
});

test('a border between colours of one brightness is an edge', () => {
  expect(rows(canny(step([200, 0, 0], [0, 102, 0]), 6, 4), 6)).toEqual(Array(4).fill('..#...'));
});

test('noise gives the edges that OpenCV 5.0.0 finds: cv2.Canny(image, 100, 200)', () => {
  let state = 1;
  const image = Uint8Array.from({ length: 14 * 9 * 3 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 16) % 90;
  });
  expect(rows(canny(image, 14, 9), 14)).toEqual([
    '#.####.####...',
    '#..#......#..#',
    '#........#....',
    '.......##.....',
    '.#.###.......#',
    '#......##...##',
    '#...#....####.',
    '#.#....#......',
    '.#.###...####.',
  ]);
});

test('given memory is reused and leaves no trace', () => {
  const scratch = allocateCanny(6, 4);
  const out = new Uint8Array(24).fill(9);
  const strong = step([0, 0, 0], [255, 255, 255]);
  expect(canny(strong, 6, 4, { scratch, out })).toBe(out);
  canny(new Uint8Array(72), 6, 4, { scratch, out });
  expect([...out]).toEqual(Array(24).fill(0));
});

test('arrays of another size are an error', () => {
  expect(() => canny(new Uint8Array(72), 4, 4)).toThrow(DataError);
  expect(() => canny(new Uint8Array(72), 6, 4, { scratch: allocateCanny(4, 6) })).toThrow('canny of 6x4 pixels');
});
