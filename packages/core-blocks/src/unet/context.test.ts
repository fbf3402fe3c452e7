import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { nn } from '@controllab/tfjs-onnx';
import { repeatTokens } from './context.ts';

beforeAll(() => tf.setBackend('cpu'));

it('repeats the tokens of every row one behind the other', () => {
  expect([...repeatTokens(tf.tensor([1, 2, 3, 4], [2, 2, 1]), 6).dataSync()]).toEqual([1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4]);
  const context = tf.ones([1, 3, 2]);
  expect(repeatTokens(context, 3)).toBe(context);
  expect(() => repeatTokens(context, 7)).toThrow("expected a multiple of the text's 3 tokens, got 7");
});

it('attention over repeated tokens gives what it gave over the tokens', () => {
  const q = tf.tensor([0.3, -1, 2, 0.5], [1, 2, 2]);
  const text = tf.tensor([1, 0, -0.5, 2, 0.25, -1], [1, 3, 2]);
  const repeated = repeatTokens(text, 9);
  const [once, thrice] = [nn.attention(q, text, text, 1), nn.attention(q, repeated, repeated, 1)].map((x) => [...x.dataSync()]);
  once!.forEach((value, i) => expect(thrice![i]).toBeCloseTo(value, 6));
});
