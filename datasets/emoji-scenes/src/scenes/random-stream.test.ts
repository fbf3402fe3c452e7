import { expect, test } from 'vitest';
import { EmojiScenesError } from '../emoji-scenes-error.ts';
import { randomStream } from './random-stream.ts';

const take = (seed: number, purpose: string, index: number, n: number) => {
  const random = randomStream(seed, purpose, index);
  return Array.from({ length: n }, () => random.uniform());
};

test('the same seed, purpose and index give the same numbers, any other give others', () => {
  expect(take(1, 'a', 2, 4)).toEqual(take(1, 'a', 2, 4));
  for (const other of [take(2, 'a', 2, 4), take(1, 'b', 2, 4), take(1, 'a', 3, 4)]) expect(other).not.toEqual(take(1, 'a', 2, 4));
});

test('first numbers of neighbouring items are uniform and uncorrelated', () => {
  const n = 20_000;
  const x = Array.from({ length: n + 1 }, (_, i) => take(7, 'scene', i, 1)[0]! - 0.5);
  let mean = 0;
  let lag = 0;
  for (let i = 0; i < n; i++) {
    mean += x[i]! / n;
    lag += (x[i]! * x[i + 1]!) / n / (1 / 12);
  }
  // Four standard errors.
  expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
  expect(Math.abs(lag)).toBeLessThan(4 / Math.sqrt(n));
});

test('integers stay below their bound and reach every value', () => {
  const random = randomStream(0, 'dice', 0);
  const seen = new Set(Array.from({ length: 200 }, () => random.integer(6)));
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
});

test('a seed or index that is no 32-bit integer is an error', () => {
  for (const bad of [-1, 1.5, 2 ** 32, NaN]) {
    expect(() => randomStream(0, 'a', bad)).toThrow(EmojiScenesError);
    expect(() => randomStream(bad, 'a', 0)).toThrow('seed must be an integer');
  }
});
