import { expect, test } from 'vitest';
import { keypoints } from './keypoints.ts';

test('centroid, top, bottom, left and right of each instance', () => {
  // prettier-ignore
  const instances = Uint8Array.from([
    0, 3, 0, 0,
    3, 3, 3, 0,
    0, 3, 0, 0,
    0, 0, 0, 1,
  ]);
  const out = new Float32Array(30);
  keypoints(instances, 4, out);
  expect([...out.subarray(0, 10)]).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 3, 3]);
  expect([...out.subarray(10, 20)]).toEqual(Array(10).fill(-1));
  expect([...out.subarray(20, 30)]).toEqual([1, 1, 1, 0, 1, 2, 0, 1, 2, 1]);
});
