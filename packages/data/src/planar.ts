/**
 * Writes a condition, an interleaved 8-bit image [H, W, 3], into a planar batch [N, 3, H, W] in [0, 1] at row `n`, as Stable Diffusion's ControlNets
 * take it.
 */
export function writeCondition(rgb: Uint8Array, batch: Float32Array, n: number): void {
  const pixels = rgb.length / 3;
  const start = n * rgb.length;
  for (let p = 0; p < pixels; p++) for (let c = 0; c < 3; c++) batch[start + c * pixels + p] = rgb[p * 3 + c]! / 255;
}

/** Conditions of one size as a batch [N, 3, H, W] in [0, 1]. @throws RangeError when sizes differ */
export function conditionBatch(images: readonly { rgb: Uint8Array; width: number; height: number }[]): {
  data: Float32Array;
  shape: number[];
} {
  const { width, height } = images[0]!;
  const data = new Float32Array(images.length * 3 * height * width);
  for (const [n, image] of images.entries()) {
    if (image.width !== width || image.height !== height)
      throw new RangeError(`condition ${n} is ${image.width} x ${image.height}, the first is ${width} x ${height}`);
    writeCondition(image.rgb, data, n);
  }
  return { data, shape: [images.length, 3, height, width] };
}
