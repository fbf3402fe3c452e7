import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { pixelShuffle, pixelUnshuffle } from './pixel-shuffle.ts';

await tf.setBackend('cpu');

describe('pixel shuffle', () => {
  it('unshuffles like torch.nn.PixelUnshuffle and back', () => {
    const x = tf.tensor([0, 1, 2, 3, 4, 5, 6, 7], [1, 1, 2, 4]);
    expect([...pixelUnshuffle(x, 2).dataSync()]).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
    expect([...pixelShuffle(pixelUnshuffle(x, 2), 2).dataSync()]).toEqual([...x.dataSync()]);
  });
});
