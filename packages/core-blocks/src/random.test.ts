import { describe, expect, it } from 'vitest';
import { philox2x32, randomNormal, randomUniform } from './random.ts';

describe('philox2x32', () => {
  // Known answers of the reference implementation (Random123 kat_vectors, philox2x32 10 rounds).
  it.each([
    [[0, 0, 0], [0xff1dae59, 0x6cd10df2]],
    [[0xffffffff, 0xffffffff, 0xffffffff], [0x2c3f628b, 0xab4fd7ad]],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e], [0xdd7ce038, 0xf62a4c12]],
  ])('of %j', ([c0, c1, key], words) => {
    expect(philox2x32(c0 as number, c1 as number, key as number)).toEqual(words);
  });
});

describe('randomNormal and randomUniform', () => {
  it('give element i the same value whatever the count', () => {
    expect([...randomNormal(7, 'w', 5)]).toEqual([...randomNormal(7, 'w', 100).subarray(0, 5)]);
  });

  it('differ by seed and by purpose', () => {
    const first = (seed: number, purpose: string) => randomUniform(seed, purpose, 1)[0];
    expect(new Set([first(0, 'a'), first(1, 'a'), first(2 ** 40, 'a'), first(0, 'b')]).size).toBe(4);
  });

  it('have the moments they claim', () => {
    const moments = (x: Float32Array) => {
      const mean = x.reduce((a, b) => a + b, 0) / x.length;
      return [mean, Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length)] as const;
    };
    const [mean, std] = moments(randomNormal(3, 'n', 100_000, 2));
    expect(Math.abs(mean)).toBeLessThan(0.03); // 5 standard errors of 0.0063
    expect(Math.abs(std - 2)).toBeLessThan(0.03);
    const uniform = randomUniform(3, 'u', 100_000, -1, 1);
    expect(Math.abs(moments(uniform)[0])).toBeLessThan(0.01);
    expect(Math.abs(moments(uniform)[1] - 1 / Math.sqrt(3))).toBeLessThan(0.01);
    expect(uniform.every((v) => v >= -1 && v < 1)).toBe(true);
  });

  it('refuse a seed that is not a non-negative integer', () => {
    expect(() => randomNormal(-1, 'n', 1)).toThrow(RangeError);
  });
});
