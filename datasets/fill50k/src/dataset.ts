import { canny, checkIndex, greyImage, jsonHash, randomInt, uniform, type Dataset, type Example, type RgbImage } from '@controllab/data';
import { COLOURS, colourOf } from './colours.ts';
import { Fill50kError } from './errors.ts';

/** Raise with every change of the code that alters a picture, a condition or a caption. */
const REVISION = 1;

/** Pictures of the tutorial. */
const TUTORIAL_LENGTH = 50_000;

/** Which circles, as plain data: a worker opens them again from it. */
export interface CircleSource {
  /** Default 0. */
  readonly seed?: number;
  /** Side in pixels, from 16 to 2048; 512 by default, the tutorial's. */
  readonly size?: number;
  /** How many, the first ones: subsets nest. Default 50,000. */
  readonly length?: number;
  /** The colours that circles and backgrounds have, by the words of the captions; two or more. CSS's named ones by default. */
  readonly palette?: Palette;
  /** `tutorial` (default): `red circle with blue background`; `sentence`: `a red circle on a blue background`. */
  readonly wording?: Wording;
}

export type Wording = 'tutorial' | 'sentence';

/** Red, green and blue of colours, 0 to 255, by their names. */
export type Palette = Readonly<Record<string, Rgb>>;

/** A circle: colours by name, lengths as shares of the picture's side. */
export interface CircleSpec {
  readonly colour: string;
  readonly background: string;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

export interface CircleExample extends Example {
  readonly captions: Readonly<Record<'caption', string>>;
  readonly spec: CircleSpec;
  /** What the names of its colours stand for, with all others that there are. */
  readonly palette: Palette;
}

/** Smallest and largest radius of a circle, which lies within its picture. */
const RADII = [0.06, 0.3] as const;

/** Width of the outline, as a share of the side: two pixels of 512. */
const OUTLINE = 1 / 256;

const CONDITIONS = ['source', 'canny'] as const;

/**
 * The circles of ControlNet's tutorial, made by number: a coloured circle on a coloured background, its outline as the condition `source`
 * (white on black), and a caption that names both colours. Made anew, of the same kind: not the tutorial's own files. `canny` is the
 * picture's Canny edges.
 * @throws Fill50kError invalid-argument for a seed, size, length, palette or wording that there is not
 */
export function fill50k({
  seed = 0,
  size = 512,
  length = TUTORIAL_LENGTH,
  palette,
  wording = 'tutorial',
}: CircleSource = {}): Dataset<CircleExample> {
  const check = (name: string, value: number, least: number, most: number): void => {
    if (!Number.isInteger(value) || value < least || value > most)
      throw new Fill50kError('invalid-argument', `fill50k: ${name} must be a whole number from ${least} to ${most}, got ${value}`, {
        [name]: value,
      });
  };
  check('seed', seed, 0, 2 ** 32 - 1);
  check('size', size, 16, 2048);
  check('length', length, 1, 2 ** 32 - 1);
  if (palette !== undefined) checkPalette(palette);
  if (!Object.hasOwn(CAPTIONS, wording))
    throw new Fill50kError('invalid-argument', `fill50k: wording is one of ${Object.keys(CAPTIONS).join(', ')}, got ${wording}`, {
      wording,
    });
  const given = { ...(palette === undefined ? {} : { palette }), ...(wording === 'tutorial' ? {} : { wording }) };
  const colours = palette ?? CSS;
  const id = 'fill50k';
  return {
    id,
    // Which colour a number draws depends on their order.
    hash: jsonHash({
      dataset: id,
      revision: REVISION,
      seed,
      size,
      ...given,
      ...(palette === undefined ? {} : { palette: entriesOf(palette) }),
    }),
    length,
    conditions: CONDITIONS,
    reference: { module: import.meta.url, data: { seed, size, length, ...given } },
    async example(index) {
      checkIndex({ id, length }, index);
      return circle(circleSpec(seed, index, Object.keys(colours)), { size, palette: colours, wording });
    },
  };
}

const CSS: Palette = Object.fromEntries(COLOURS.map((name) => [name, colourOf(name)]));

const entriesOf = (palette: Palette): [string, number[]][] => Object.entries(palette).map(([name, rgb]) => [name, [...rgb]]);

/** @throws Fill50kError invalid-argument */
function checkPalette(palette: Palette): void {
  const fail = (expected: string, values: Record<string, unknown>): never => {
    throw new Fill50kError('invalid-argument', `fill50k: ${expected}`, values);
  };
  const colours = Object.entries(palette);
  if (colours.length < 2) fail(`a palette has two colours or more, got ${colours.length}`, { colours: colours.length });
  for (const [name, rgb] of colours)
    if (rgb.length !== 3 || !rgb.every((value) => Number.isInteger(value) && value >= 0 && value <= 255))
      fail(`expected red, green and blue from 0 to 255 for "${name}", got ${rgb.join(', ')}`, { [name]: rgb });
}

/** Opens it again from a `DatasetReference`. */
export default fill50k;

/** Circle `index`: a function of the seed, its number, and the names of the colours. */
function circleSpec(seed: number, index: number, names: readonly string[]): CircleSpec {
  const colour = randomInt(seed, 'fill50k colour', index, names.length);
  // Of the others: a circle of its background's colour could not be seen.
  const other = randomInt(seed, 'fill50k background', index, names.length - 1);
  const [u, v, w] = uniform(seed, 'fill50k place', index, 3) as unknown as [number, number, number];
  const radius = RADII[0] + u * (RADII[1] - RADII[0]);
  const place = (share: number): number => radius + share * (1 - 2 * radius);
  return { colour: names[colour]!, background: names[other < colour ? other : other + 1]!, x: place(v), y: place(w), radius };
}

const withArticle = (name: string): string => `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;

const CAPTIONS: Readonly<Record<Wording, (spec: CircleSpec) => string>> = {
  tutorial: ({ colour, background }) => `${colour} circle with ${background} background`,
  sentence: ({ colour, background }) => `${withArticle(colour)} circle on ${withArticle(background)} background`,
};

function circle(spec: CircleSpec, { size, palette, wording }: { size: number; palette: Palette; wording: Wording }): CircleExample {
  const image = paint(spec, size, palette[spec.colour]!, palette[spec.background]!, 0);
  return {
    spec,
    palette,
    image,
    captions: { caption: CAPTIONS[wording](spec) },
    condition(id) {
      if (id === 'source') return paint(spec, size, [255, 255, 255], [0, 0, 0], Math.max(1, OUTLINE * size));
      if (id === 'canny') return greyImage(canny(image.rgb, size, size), image);
      throw new Fill50kError('missing-condition', `fill50k has no condition "${id}"; it has ${CONDITIONS.join(' and ')}`, {
        condition: id,
      });
    },
  };
}

type Rgb = readonly [number, number, number];

/** A circle, filled or, with a `line` in pixels, its outline alone. A pixel is the circle's where its centre is. */
function paint({ x, y, radius }: CircleSpec, size: number, inside: Rgb, outside: Rgb, line: number): RgbImage {
  const rgb = new Uint8Array(size * size * 3);
  const [outer, inner] = [(radius * size + line / 2) ** 2, line === 0 ? -1 : (radius * size - line / 2) ** 2];
  for (let row = 0, to = 0; row < size; row++) {
    const dy = (row + 0.5 - y * size) ** 2;
    for (let column = 0; column < size; column++, to += 3) {
      const distance = (column + 0.5 - x * size) ** 2 + dy;
      rgb.set(distance <= outer && distance > inner ? inside : outside, to);
    }
  }
  return { rgb, width: size, height: size };
}
