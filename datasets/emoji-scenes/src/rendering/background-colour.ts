import { EmojiScenesError } from '../emoji-scenes-error.ts';

export type Rgb = readonly [number, number, number];

/** Pixels from the edge of the image that count as its border. */
const BORDER = 2;

/** Median colour of an image's two-pixel border, by channel. `rgb`: [H, W, 3] bytes. Throws EmojiScenesError when the size differs. */
export function borderColour(rgb: ArrayLike<number>, width: number, height: number): Rgb {
  if (rgb.length !== width * height * 3 || rgb.length === 0) {
    throw new EmojiScenesError(
      'invalid-argument',
      `Error in borderColour: expected ${height}x${width}x3 = ${width * height * 3} bytes, got ${rgb.length}`,
      { width, height, length: rgb.length },
    );
  }
  const channels: [number[], number[], number[]] = [[], [], []];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (x >= BORDER && y >= BORDER && x < width - BORDER && y < height - BORDER) continue;
      for (const [c, values] of channels.entries()) values.push(rgb[(y * width + x) * 3 + c]!);
    }
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
  return [median(channels[0]), median(channels[1]), median(channels[2])];
}

/** Index of the palette's colour nearest to `colour` in RGB. Throws EmojiScenesError for an empty palette. */
export function nearestColour(colour: Rgb, palette: readonly Rgb[]): number {
  if (palette.length === 0)
    throw new EmojiScenesError('invalid-argument', 'Error in nearestColour: expected a palette of at least one colour, got none');
  const distances = palette.map((p) => p.reduce((sum, value, c) => sum + (value - colour[c]!) ** 2, 0));
  return distances.indexOf(Math.min(...distances));
}
