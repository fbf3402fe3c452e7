import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { initialize, withParameters } from '../module.ts';
import { ClipTextTower } from './text-tower.ts';
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

it('ClipTextTower pools where the text ends, which a word that was added to the vocabulary is not', () => {
  const embeds = (eos: number | undefined, ids: number[]): number[] => {
    const tower = new ClipTextTower({ ...config, projection_dim: 4, ...(eos === undefined ? {} : { eos_token_id: eos }) });
    const tensors = Object.fromEntries(
      Object.entries(initialize(tower, 2)).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
    );
    return [...withParameters(tower, tensors, () => tower.encode(tf.tensor2d([ids], [1, ids.length], 'int32')).embeds).dataSync()];
  };
  const close = (a: number[], b: number[]): void => a.forEach((value, i) => expect(value).toBeCloseTo(b[i]!, 6));
  // States are causal: pooled at a place, a text is what it is up to there.
  close(embeds(8, [1, 9, 3, 8, 8]), embeds(8, [1, 9, 3, 8]));
  close(embeds(2, [1, 9, 3, 8]), embeds(9, [1, 9, 3, 8]));
  close(embeds(undefined, [1, 9, 3, 8]), embeds(9, [1, 9]));
  expect(embeds(8, [1, 9, 3, 8])).not.toEqual(embeds(9, [1, 9, 3, 8]));
});

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
