import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { initialize, withParameters } from '../module.ts';
import { TextTransformer } from './text-transformer.ts';

const config = {
  vocab_size: 10,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 6,
};

beforeAll(() => tf.setBackend('cpu'));

function run(model: TextTransformer, ids: number[]): Float32Array {
  const tensors = Object.fromEntries(
    Object.entries(initialize(model, 2)).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
  return withParameters(model, tensors, () => model.forward(tf.tensor2d([ids], [1, ids.length], 'int32'))).dataSync() as Float32Array;
}

describe('TextTransformer', () => {
  it('is causal: a later token changes no earlier state', () => {
    const model = new TextTransformer(config);
    const a = run(model, [1, 2, 3, 4]);
    const b = run(model, [1, 2, 3, 9]);
    expect(a.slice(0, 24)).toEqual(b.slice(0, 24));
    expect(a.slice(24)).not.toEqual(b.slice(24));
    expect(run(model, [1, 2, 3]).every((value, i) => Math.abs(value - (a[i] as number)) < 1e-6)).toBe(true);
  });

  it('ends in the final layer norm', () => {
    const states = run(new TextTransformer(config), [1, 2]);
    expect(states.slice(0, 8).reduce((x, y) => x + y, 0)).toBeCloseTo(0, 5);
  });

  it('has the activation that its config names', () => {
    expect(run(new TextTransformer({ ...config, hidden_act: 'gelu' }), [1, 2])).not.toEqual(run(new TextTransformer(config), [1, 2]));
    expect(() => new TextTransformer({ ...config, hidden_act: 'relu' as 'gelu' })).toThrow(/hidden_act/);
  });

  it('refuses more tokens than positions', () => {
    expect(() => run(new TextTransformer(config), [0, 1, 2, 3, 4, 5, 6])).toThrow(/S at most 6/);
  });
});
