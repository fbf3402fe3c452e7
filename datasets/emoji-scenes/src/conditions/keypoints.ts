const POINTS = 5;

/**
 * Centroid, topmost, bottommost, leftmost and rightmost pixel of each visible instance as x, y in pixels, [3, 5, 2]; -1 for what is not
 * there. Of several extreme pixels the first in reading order counts.
 */
export function keypoints(instances: Uint8Array, size: number, out: Float32Array): void {
  out.fill(-1);
  const counts = [0, 0, 0];
  for (let y = 0, p = 0; y < size; y++) {
    for (let x = 0; x < size; x++, p++) {
      const instance = instances[p]!;
      if (instance === 0) continue;
      const o = (instance - 1) * POINTS * 2;
      if (counts[instance - 1]!++ === 0) {
        out[o] = 0;
        out[o + 1] = 0;
        for (let k = 1; k < POINTS; k++) {
          out[o + 2 * k] = x;
          out[o + 2 * k + 1] = y;
        }
      }
      out[o]! += x;
      out[o + 1]! += y;
      if (y > out[o + 5]!) {
        out[o + 4] = x;
        out[o + 5] = y;
      }
      if (x < out[o + 6]!) {
        out[o + 6] = x;
        out[o + 7] = y;
      }
      if (x > out[o + 8]!) {
        out[o + 8] = x;
        out[o + 9] = y;
      }
    }
  }
  counts.forEach((count, k) => {
    if (count === 0) return;
    out[k * POINTS * 2]! /= count;
    out[k * POINTS * 2 + 1]! /= count;
  });
}
