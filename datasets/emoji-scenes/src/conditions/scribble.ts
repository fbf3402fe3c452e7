/**
 * Outlines of an instance map [size, size] as a marker would draw them: every pixel whose right or lower neighbour belongs to another
 * instance, dilated to a stroke of 3 pixels at 64 px and in proportion above. Writes 0 or 255 into `out`.
 */
export function scribble(instances: Uint8Array, size: number, out: Uint8Array): void {
  const radius = Math.max(1, Math.round(size / 64));
  out.fill(0);
  for (let y = 0, p = 0; y < size; y++) {
    for (let x = 0; x < size; x++, p++) {
      const here = instances[p];
      const contour = (x < size - 1 && instances[p + 1] !== here) || (y < size - 1 && instances[p + size] !== here);
      if (!contour) continue;
      const last = Math.min(size - 1, y + radius);
      for (let row = Math.max(0, y - radius); row <= last; row++) {
        out.fill(255, row * size + Math.max(0, x - radius), row * size + Math.min(size, x + radius + 1));
      }
    }
  }
}
