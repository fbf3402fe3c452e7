import { expect, it } from 'vitest';
import { aspectBuckets, nearestBucket } from './aspect-buckets.ts';

const sides = (resolution: number, step: number): string[] =>
  aspectBuckets(resolution, step).map(({ width, height }) => `${width}x${height}`);

it("has the sizes that kohya's make_bucket_resolutions has between half and twice the side", () => {
  // model_util.make_bucket_resolutions((512, 512), 256, 1024, 64), by aspect.
  expect(sides(512, 64)).toEqual([
    '256x1024', '256x960', '256x896', '256x832', '320x768', '320x704', '384x640', '448x576', '512x512',
    '576x448', '640x384', '704x320', '768x320', '832x256', '896x256', '960x256', '1024x256',
  ]); // prettier-ignore
  expect(sides(64, 16)).toEqual(['32x128', '32x112', '32x96', '48x80', '64x64', '80x48', '96x32', '112x32', '128x32']);
  for (const { width, height } of aspectBuckets(768, 64)) {
    expect([width % 64, height % 64]).toEqual([0, 0]);
    expect(width * height).toBeLessThanOrEqual(768 ** 2);
  }
});

it('puts a picture to the nearest aspect, tall ones as wide ones', () => {
  const buckets = aspectBuckets(512, 64);
  const at = (width: number, height: number) => nearestBucket({ width, height }, buckets);
  expect(at(4000, 3000)).toEqual({ width: 576, height: 448 });
  expect(at(3000, 4000)).toEqual({ width: 448, height: 576 });
  expect(at(1920, 1080)).toEqual({ width: 640, height: 384 });
  expect(at(100, 101)).toEqual({ width: 512, height: 512 });
  // Longer than any of them.
  expect(at(5000, 100)).toEqual({ width: 1024, height: 256 });
  expect(at(100, 5000)).toEqual({ width: 256, height: 1024 });
});

it('refuses a step that no side is a multiple of', () => {
  expect(sides(16, 16)).toEqual(['16x16']);
  expect(() => aspectBuckets(32, 64)).toThrow(/multiples of a whole number from 1 to the resolution, 32; got 64/);
});
