import { colours } from '../scenes/colours.ts';
import type { SceneSpec } from '../scenes/scene-spec.ts';

/** Fills `rgb`, [size, size, 3], with the plain colour, or with a gradient from 0.75 of it to 1.1 of it. */
export function paintBackground({ background, size }: SceneSpec, rgb: Float32Array): void {
  const [red, green, blue] = colours[background.colour];
  const towards = background.lighterTowards;
  for (let y = 0, q = 0; y < size; y++) {
    for (let x = 0; x < size; x++, q += 3) {
      let brightness = 1;
      if (towards) {
        const steps = towards === 'bottom' ? y : towards === 'top' ? size - 1 - y : towards === 'right' ? x : size - 1 - x;
        brightness = 0.75 + (0.35 * steps) / (size - 1);
      }
      rgb[q] = Math.min(255, red * brightness);
      rgb[q + 1] = Math.min(255, green * brightness);
      rgb[q + 2] = Math.min(255, blue * brightness);
    }
  }
}
