import * as tf from '@tensorflow/tfjs';
import { describe, it } from 'vitest';
import { nn } from '../index.ts';
import { checkGradients, expectRefused, expectTensor, floats, results, wave, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

const LN3 = Math.log(3);
const attend =
  (heads: number, causal = false): Case['f'] =>
  (t) =>
    nn.attention(t['q']!, t['k']!, t['v']!, heads, { causal });

describe.each(['onnx', 'tfjs'] as const)('attention (%s)', (engine) => {
  it('weighs values by softmax of scaled products, head by head', async () => {
    const found = await results(
      {
        // Scores 0 and ln 3: weights 1/4 and 3/4.
        one: { f: attend(1), on: { q: floats([1, 1, 1], [1]), k: floats([1, 2, 1], [0, LN3]), v: floats([1, 2, 1], [1, 5]) } },
        // Products 0 and 2 ln 3, over the root of 4.
        scaled: {
          f: attend(1),
          on: {
            q: floats([1, 1, 4], [2, 0, 0, 0]),
            k: floats([1, 2, 4], [0, 0, 0, 0, LN3, 7, 7, 7]),
            v: floats([1, 2, 4], [1, 0, 0, 8, 5, 0, 4, 0]),
          },
        },
        // The second head's query is 0: it takes the mean.
        heads: {
          f: attend(2),
          on: { q: floats([1, 1, 2], [1, 0]), k: floats([1, 2, 2], [0, 9, LN3, -9]), v: floats([1, 2, 2], [1, 10, 5, 20]) },
        },
        // Of one key, the value; whatever the query.
        single: { f: attend(1), on: { q: wave([2, 3, 2]), k: wave([2, 1, 2], 2), v: floats([2, 1, 2], [1, 2, 3, 4]) } },
        // Scores of thousands overflow nothing.
        large: { f: attend(1), on: { q: floats([1, 1, 1], [100]), k: floats([1, 2, 1], [100, -100]), v: floats([1, 2, 1], [3, 9]) } },
      },
      engine,
    );
    expectTensor(found['one'], [1, 1, 1], [4], 'one');
    expectTensor(found['scaled'], [1, 1, 4], [4, 0, 3, 2], 'scaled');
    expectTensor(found['heads'], [1, 1, 2], [4, 15], 'heads');
    expectTensor(found['single'], [2, 3, 2], [1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4], 'single');
    expectTensor(found['large'], [1, 1, 1], [3], 'large');
  });

  it('sees keys up to the query’s own place under the causal mask', async () => {
    const zeros = (n: number) => floats([1, n, 1], Array<number>(n).fill(0));
    const v = (n: number) => floats([1, n, 1], [3, 9, 30].slice(0, n));
    const of = (t: number, s: number): Case => ({ f: attend(1, true), on: { q: zeros(t), k: zeros(s), v: v(s) } });
    const found = await results({ square: of(3, 3), fewerKeys: of(3, 2), moreKeys: of(1, 3) }, engine);
    expectTensor(found['square'], [1, 3, 1], [3, 6, 14], 'square');
    expectTensor(found['fewerKeys'], [1, 3, 1], [3, 6, 6], 'fewer keys');
    expectTensor(found['moreKeys'], [1, 1, 1], [3], 'more keys');
  });
});

it('gradients of queries, keys and values are those of the function', () =>
  checkGradients({
    heads: { f: attend(2), on: { q: wave([2, 3, 4]), k: wave([2, 2, 4], 2), v: wave([2, 2, 4], 3) } },
    oneWide: { f: attend(3), on: { q: wave([1, 2, 3]), k: wave([1, 4, 3], 2), v: wave([1, 4, 3], 3) } },
    single: { f: attend(1), on: { q: wave([1, 1, 2]), k: wave([1, 1, 2], 2), v: wave([1, 1, 2], 3) } },
    causal: { f: attend(1, true), on: { q: wave([1, 3, 2]), k: wave([1, 3, 2], 2), v: wave([1, 3, 2], 3) } },
    causalMoreKeys: { f: attend(2, true), on: { q: wave([1, 2, 2]), k: wave([1, 4, 2], 2), v: wave([1, 4, 2], 3) } },
    self: { f: (t) => nn.attention(t['x']!, t['x']!, t['x']!, 2), on: { x: wave([1, 3, 4]) } },
  }));

it.each([
  ['heads that do not divide', 3, [1, 2, 4], [1, 2, 4], [1, 2, 4]],
  ['no heads', 0, [1, 2, 4], [1, 2, 4], [1, 2, 4]],
  ['fewer than no heads', -2, [1, 2, 4], [1, 2, 4], [1, 2, 4]],
  ['half a head', 0.5, [1, 2, 4], [1, 2, 4], [1, 2, 4]],
  ['another batch', 1, [1, 2, 4], [2, 2, 4], [2, 2, 4]],
  ['another width', 1, [1, 2, 4], [1, 2, 2], [1, 2, 2]],
  ['values of other keys', 1, [1, 2, 4], [1, 2, 4], [1, 3, 4]],
  ['images', 1, [1, 2, 2, 2], [1, 2, 2, 2], [1, 2, 2, 2]],
])('refuses %s', (_, heads, q, k, v) =>
  expectRefused(
    { f: attend(heads), on: { q: wave(q), k: wave(k), v: wave(v) } },
    /nn\.attention: expected q \[N, T, C\], k and v \[N, S, C\]/,
  ),
);
