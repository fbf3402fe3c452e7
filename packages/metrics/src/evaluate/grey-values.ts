import type { RgbImage } from '@controllab/data';
import { MetricsError } from '../errors.ts';
import type { Raster } from '../fidelity/check.ts';

/**
 * The values of a grey map [H, W]. @param name for messages
 * @throws MetricsError invalid-shape for a map in colours, whose values stand for nothing
 */
export function greyValues({ rgb, width, height }: RgbImage, name: string): Raster {
  const data = Uint8Array.from({ length: width * height }, (_, i) => rgb[3 * i]!);
  for (let i = 0; i < data.length; i++) {
    if (rgb[3 * i + 1] === data[i] && rgb[3 * i + 2] === data[i]) continue;
    throw new MetricsError(
      'invalid-shape',
      `${name}: expected a grey map, got the colour ${[...rgb.subarray(3 * i, 3 * i + 3)].join(', ')} at ${i % width}, ${Math.floor(i / width)}; a map drawn in a palette must be written with its values`,
      { name, index: i },
    );
  }
  return { data, width, height };
}
