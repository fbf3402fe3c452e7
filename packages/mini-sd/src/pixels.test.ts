import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { pixelShuffle, pixelUnshuffle, toImages, writeCondition, writeImage } from './pixels.ts';

await tf.setBackend('cpu');

describe('pixels', () => {
  it('unshuffles like torch.nn.PixelUnshuffle and back', () => {
    const x = tf.tensor([0, 1, 2, 3, 4, 5, 6, 7], [1, 1, 2, 4]);
    expect([...pixelUnshuffle(x, 2).dataSync()]).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
    expect([...pixelShuffle(pixelUnshuffle(x, 2), 2).dataSync()]).toEqual([...x.dataSync()]);
  });
  it('turns images into planes in [-1, 1] and back, clamping', () => {
    const image = Uint8Array.of(0, 128, 255, 255, 0, 1);
    const batch = new Float32Array(12);
    writeImage(image, batch, 1);
    expect([...batch.subarray(6)].map((v) => Math.round(v * 127.5 + 127.5))).toEqual([0, 255, 128, 0, 255, 1]);
    expect(toImages({ data: batch.slice(6), shape: [1, 3, 1, 2] })[0]).toEqual(image);
    expect([...toImages({ data: Float32Array.of(2, -3, 0), shape: [1, 3, 1, 1] })[0]!]).toEqual([255, 0, 128]);
  });
  it('writes a condition as planes in [0, 1]', () => {
    const batch = new Float32Array(6);
    writeCondition(Uint8Array.of(0, 51, 255, 255, 0, 102), batch, 0);
    expect([...batch]).toEqual(Array.from(Float32Array.of(0, 1, 0.2, 0, 1, 0.4)));
  });
});
