import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parameterSpecs } from '@controllab/core-blocks';
import { contrastiveLoss, MiniClip, miniText } from './clip.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('contrastiveLoss', () => {
  it('is the mean of both cross-entropies', () => {
    // Two orthogonal pairs at scale 1: each side's loss is log(e + 1) - 1.
    const x = tf.tensor2d([1, 0, 0, 1], [2, 2]);
    expect(contrastiveLoss(x, x, tf.scalar(1)).dataSync()[0]).toBeCloseTo(Math.log(Math.E + 1) - 1, 6);
  });
  it('shows false captions to the pictures only', () => {
    const images = tf.tensor2d([1, 0, 0, 1], [2, 2]);
    const texts = tf.tensor2d([1, 0, 0, 1, 1, 0, 0, 1], [4, 2]);
    const expected = (Math.log(2 * Math.E + 2) - 1 + Math.log(Math.E + 1) - 1) / 2;
    expect(contrastiveLoss(images, texts, tf.scalar(1)).dataSync()[0]).toBeCloseTo(expected, 6);
  });
});

describe('miniText', () => {
  it('is mini-CLIP’s text tower without its last layer', () => {
    const whole = parameterSpecs(new MiniClip(50));
    const part = parameterSpecs({ text: miniText(50) });
    for (const [name, { shape }] of Object.entries(part)) expect(whole[name]?.shape, name).toEqual(shape);
    const left = Object.keys(whole).filter((name) => name.startsWith('text.') && !(name in part));
    expect(left.every((name) => name.startsWith('text.text_model.encoder.layers.3.'))).toBe(true);
    expect(left.length).toBe(16);
  });
});
