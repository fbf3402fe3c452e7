import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import type { Companion, EncoderPlace } from '@controllab/core-blocks';
import { addControls, contextOfFirst, firstRowsOnly, weighConnections } from './combine-controls.ts';

beforeAll(() => tf.setBackend('cpu'));

const rows = (...values: number[]): tf.Tensor => tf.tensor(values, [values.length, 1, 1, 1]);
const values = (x: tf.Tensor): number[] => [...x.dataSync()];
/** Rows that the base's layers saw: what went in, a time embedding and a context. */
const place = (...seen: number[]): EncoderPlace => ({
  state: 2,
  input: rows(...seen),
  conditions: { temb: tf.tensor(seen, [seen.length, 1]), context: tf.tensor(seen, [seen.length, 1, 1]), frames: 1 },
});
/** Adds all that it sees of the base to the encoder's features, and a number to the decoder's. */
const reader: Companion = {
  encoded: (x, { input, conditions: { temb, context } }) =>
    tf.add(x, tf.add(input, tf.add(tf.reshape(temb!, input.shape), tf.reshape(context, input.shape)))),
  decoding: (x, state) => tf.add(x, state),
};
const doubler: Companion = { encoded: (x) => tf.mul(x, 2) };

it('a companion of the first rows sees and changes those alone', () => {
  const { companion } = firstRowsOnly({ companion: reader }, 1, rows(0, 0));
  expect(values(companion!.encoded(rows(10, 20), place(1, 5)))).toEqual([13, 20]);
  expect(values(companion!.decoding!(rows(10, 20), 4))).toEqual([14, 20]);
  const silent = firstRowsOnly({ companion: doubler }, 1, rows(0, 0)).companion!;
  expect(values(silent.encoded(rows(10, 20), place(1, 5)))).toEqual([20, 20]);
  expect(values(silent.decoding!(rows(10, 20), 4))).toEqual([10, 20]);
});

it('what two companions change of the base’s features is added', () => {
  const { companion } = addControls([{ companion: reader }, { companion: doubler }]);
  expect(values(companion!.encoded(rows(10), place(1)))).toEqual([10 + 3 + 10]);
  expect(values(companion!.decoding!(rows(10), 4))).toEqual([14]);
  expect(addControls([{ companion: doubler }, {}]).companion).toBe(doubler);
});

it('a companion has no connections to weigh', () => {
  expect(() => weighConnections({ companion: reader }, 'resolution')).toThrow('this control has no such connections');
});

it('a context takes the place of the text in the first rows, and the others keep theirs, each token as often as needed', () => {
  const context = tf.tensor([1, 2, 3, 4, 9, 9, 9, 9], [2, 4, 1]);
  const text = tf.tensor([5, 6, 7, 8], [2, 2, 1]);
  expect(values(contextOfFirst({ context }, 1, text).context!)).toEqual([1, 2, 3, 4, 7, 8, 7, 8]);
  // A control that saw the first rows alone.
  const alone = firstRowsOnly({ context: tf.slice(context, [0, 0, 0], [1, 4, 1]) }, 1, rows(0, 0));
  expect(values(contextOfFirst(alone, 1, text).context!)).toEqual([1, 2, 3, 4, 7, 8, 7, 8]);
  expect(contextOfFirst({}, 1, text)).toEqual({});
});

it('two contexts are refused, and one goes with other controls', () => {
  const context = tf.ones([1, 2, 1]);
  expect(() => addControls([{ context }, { context }])).toThrow("Two controls give the U-Net a context in the text's place");
  expect(addControls([{ companion: doubler }, { context }])).toEqual({ companion: doubler, context });
});
