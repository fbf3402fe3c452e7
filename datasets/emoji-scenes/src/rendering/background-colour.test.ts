import { describe, expect, it } from 'vitest';
import { borderColour, nearestColour } from './background-colour.ts';

describe('borderColour', () => {
  it('is the median of the border, whatever is inside or crosses it', () => {
    const width = 7,
      height = 6;
    const rgb = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inside = x >= 2 && x < 5 && y >= 2 && y < 4;
        rgb.set(inside || x === 0 ? [255, 255, 255] : [10, 20, 30], (y * width + x) * 3);
      }
    }
    expect(borderColour(rgb, width, height)).toEqual([10, 20, 30]);
    expect(() => borderColour(rgb, 3, 3)).toThrow(/3x3x3 = 27 bytes, got 126/);
  });
});

describe('nearestColour', () => {
  it('takes the smallest distance', () => {
    expect(
      nearestColour(
        [10, 20, 30],
        [
          [255, 0, 0],
          [0, 0, 0],
          [0, 30, 40],
        ],
      ),
    ).toBe(2);
    expect(() => nearestColour([0, 0, 0], [])).toThrow(/at least one colour/);
  });
});
