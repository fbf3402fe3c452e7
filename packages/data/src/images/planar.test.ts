import { describe, expect, it } from 'vitest';
import { conditionBatch, imageBatch, toImages, writeCondition, writeImage } from './planar.ts';

describe('planar batches', () => {
  it('hold images as planes in [-1, 1], and give them back clamped', () => {
    const rgb = Uint8Array.of(0, 128, 255, 255, 0, 1);
    const batch = new Float32Array(12);
    writeImage(rgb, batch, 1);
    expect([...batch.subarray(6)].map((v) => Math.round(v * 127.5 + 127.5))).toEqual([0, 255, 128, 0, 255, 1]);
    const image = { rgb, width: 2, height: 1 };
    expect(toImages({ data: batch.slice(6), shape: [1, 3, 1, 2] })).toEqual([image]);
    expect(toImages({ data: Float32Array.of(2, -3, 0), shape: [1, 3, 1, 1] })[0]!.rgb).toEqual(Uint8Array.of(255, 0, 128));
    const two = imageBatch([image, image]);
    expect(two.shape).toEqual([2, 3, 1, 2]);
    expect(two.data.slice(6)).toEqual(batch.slice(6));
  });
  it('hold conditions as planes in [0, 1]', () => {
    const batch = new Float32Array(6);
    writeCondition(Uint8Array.of(0, 51, 255, 255, 0, 102), batch, 0);
    expect([...batch]).toEqual(Array.from(Float32Array.of(0, 1, 0.2, 0, 1, 0.4)));
  });
  it('refuse pictures of several sizes', () => {
    const [a, b] = [
      { rgb: new Uint8Array(6), width: 2, height: 1 },
      { rgb: new Uint8Array(6), width: 1, height: 2 },
    ];
    expect(() => conditionBatch([a, b])).toThrow(/condition 1 is 1 x 2, the first is 2 x 1/);
    expect(() => imageBatch([a, b])).toThrow(/image 1 is 1 x 2/);
  });
});
