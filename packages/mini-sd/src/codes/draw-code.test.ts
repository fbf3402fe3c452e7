import { expect, it } from 'vitest';
import { drawCode } from './draw-code.ts';

const all = { topK: 100, temperature: 1 };
/** Probabilities 1/8, 1/2, 1/8, 1/4. */
const logits = Float32Array.of(0, Math.log(4), 0, Math.log(2));

it('draws codes as likely as their logits say', () => {
  // From the likeliest: code 1 up to 0.5, code 3 up to 0.75, code 0 up to 0.875, code 2.
  expect([0, 0.49, 0.51, 0.74, 0.76, 0.87, 0.88, 0.9999].map((u) => drawCode(logits, u, all))).toEqual([1, 1, 3, 3, 0, 0, 2, 2]);
});

it('draws from the likeliest alone', () => {
  // 2/3 and 1/3.
  expect([0, 0.66, 0.67, 0.9999].map((u) => drawCode(logits, u, { ...all, topK: 2 }))).toEqual([1, 1, 3, 3]);
  expect(drawCode(logits, 0.9999, { ...all, topK: 1 })).toBe(1);
});

it('divides logits by the temperature', () => {
  // At 1/2 probabilities are squared: 16, 4, 1 and 1 of 22.
  const cold = { ...all, temperature: 1 / 2 };
  expect([0.72, 0.73, 0.9, 0.92, 0.96].map((u) => drawCode(logits, u, cold))).toEqual([1, 3, 3, 0, 2]);
});
