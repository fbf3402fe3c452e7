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
}

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
 * @throws Fill50kError invalid-argument for a seed, size or length that there is not
 */
export function fill50k({ seed = 0, size = 512, length = TUTORIAL_LENGTH }: CircleSource = {}): Dataset<CircleExample> {
  const check = (name: string, value: number, least: number, most: number): void => {
    if (!Number.isInteger(value) || value < least || value > most)
      throw new Fill50kError('invalid-argument', `fill50k: ${name} must be a whole number from ${least} to ${most}, got ${value}`, {
        [name]: value,
      });
  };
  check('seed', seed, 0, 2 ** 32 - 1);
  check('size', size, 16, 2048);
  check('length', length, 1, 2 ** 32 - 1);
  const id = 'fill50k';
  return {
    id,
    hash: jsonHash({ dataset: id, revision: REVISION, seed, size }),
    length,
    conditions: CONDITIONS,
    reference: { module: import.meta.url, data: { seed, size, length } },
    async example(index) {
      checkIndex({ id, length }, index);
      return circle(circleSpec(seed, index), size);
    },
  };
}

/** Opens it again from a `DatasetReference`. */
export default fill50k;

/** Circle `index`: a function of the seed and its number. */
export function circleSpec(seed: number, index: number): CircleSpec {
  const colour = randomInt(seed, 'fill50k colour', index, COLOURS.length);
  // Of the others: a circle of its background's colour could not be seen.
  const other = randomInt(seed, 'fill50k background', index, COLOURS.length - 1);
  const [u, v, w] = uniform(seed, 'fill50k place', index, 3) as unknown as [number, number, number];
  const radius = RADII[0] + u * (RADII[1] - RADII[0]);
  const place = (share: number): number => radius + share * (1 - 2 * radius);
  return { colour: COLOURS[colour]!, background: COLOURS[other < colour ? other : other + 1]!, x: place(v), y: place(w), radius };
}

function circle(spec: CircleSpec, size: number): CircleExample {
  const image = paint(spec, size, colourOf(spec.colour), colourOf(spec.background), 0);
  return {
    spec,
    image,
    captions: { caption: `${spec.colour} circle with ${spec.background} background` },
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
