import type { Example, RgbImage } from '@controllab/data';
import type { CircleExample, CircleSpec } from '@controllab/fill50k';
import { colourDifference, maskIou } from '@controllab/metrics';
import type { Measure } from '../compute/judging/measures.ts';
import { ExperimentError } from '../../runner/errors.ts';

type Rgb = readonly [number, number, number];

/** @throws ExperimentError invalid-option where pictures were drawn for something else: a mistake of the experiment's declaration */
function circlesOf(examples: readonly Example[]): readonly CircleExample[] {
  if (examples.every((example): example is CircleExample => 'palette' in example)) return examples;
  throw new ExperimentError(
    'invalid-option',
    'a measure of circles was asked for pictures that are not of fill50k: set `data` of the profile or arm',
  );
}

/** How far each pixel's centre lies outside of a circle, in pixels; inside it is below zero. */
function outside({ x, y, radius }: CircleSpec, { width, height }: Pick<RgbImage, 'width' | 'height'>): Float64Array {
  return Float64Array.from(
    { length: width * height },
    (_, p) => Math.hypot((p % width) + 0.5 - x * width, Math.floor(p / width) + 0.5 - y * height) - radius * width,
  );
}

/** Channel by channel the median of the pixels that a test takes: what a few odd ones do not change. */
function medianColour({ rgb }: RgbImage, pixels: Float64Array, takes: (distance: number) => boolean): Rgb {
  const channels: number[][] = [[], [], []];
  pixels.forEach((distance, p) => {
    if (takes(distance)) for (let c = 0; c < 3; c++) channels[c]!.push(rgb[3 * p + c]!);
  });
  return channels.map((values) => values.sort((a, b) => a - b)[values.length >> 1]!) as unknown as Rgb;
}

/** Pixels next to the circumference are of both colours. */
const EDGE = 1;

interface Colours {
  readonly circle: Rgb;
  readonly background: Rgb;
}

/** What a picture shows where the circle should be, and around it. */
function coloursIn(image: RgbImage, { spec }: CircleExample): Colours {
  const distances = outside(spec, image);
  const edge = Math.min(EDGE, (spec.radius * image.width) / 2);
  return { circle: medianColour(image, distances, (d) => d <= -edge), background: medianColour(image, distances, (d) => d >= edge) };
}

const squared = (rgb: Uint8Array, p: number, [r, g, b]: Rgb): number =>
  (rgb[3 * p]! - r) ** 2 + (rgb[3 * p + 1]! - g) ** 2 + (rgb[3 * p + 2]! - b) ** 2;

/**
 * IoU of the circle and of the pixels that are nearer to what the picture shows in the circle than to what it shows around it. Whether the
 * colours are those that were named does not count: a circle of a wrong colour is a circle.
 */
export function circleIou(image: RgbImage, given: Example): number {
  const [example] = circlesOf([given]) as [CircleExample];
  const { circle, background } = coloursIn(image, example);
  const { rgb, width, height } = image;
  const found = Uint8Array.from({ length: width * height }, (_, p) => Number(squared(rgb, p, circle) < squared(rgb, p, background)));
  const target = Uint8Array.from(outside(example.spec, image), (distance) => Number(distance <= 0));
  return maskIou({ data: found, width, height }, { data: target, width, height });
}

const named = ({ palette, spec }: CircleExample): Colours => ({ circle: palette[spec.colour]!, background: palette[spec.background]! });

const difference = (id: string, part: keyof Colours, what: string, where: string): Measure => ({
  id,
  label: () => `${what}, colour difference`,
  method: () =>
    `Distance in CIELAB (delta E of 1976; 2.3 is just noticeable) between the colour that the caption names and the median ${where}.`,
  better: 'lower',
  range: [0, Number.MAX_VALUE],
  per: 'image',
  revision: 1,
  conditions: ['source'],
  of: async ({ images, examples }) =>
    circlesOf(examples).map((example, i) => colourDifference(coloursIn(images[i]!, example)[part], named(example)[part])),
});

export const circleColour = difference('circle-colour', 'circle', 'circle', 'within the outline');
export const groundColour = difference('ground-colour', 'background', 'background', 'around it');

/** Whether both colours are the named ones, rather than any other of the data's. */
export const bothColours: Measure = {
  id: 'both-colours',
  label: () => 'both colours as named',
  method: () =>
    'Share of pictures in which, of all colours that there are, the named ones are nearest to what is within the outline and around it.',
  better: 'higher',
  range: [0, 1],
  per: 'image',
  revision: 1,
  conditions: ['source'],
  of: async ({ images, examples }) =>
    circlesOf(examples).map((example, i) => {
      const shown = coloursIn(images[i]!, example);
      return Number(
        nearestName(shown.circle, example) === example.spec.colour && nearestName(shown.background, example) === example.spec.background,
      );
    }),
};

/** Whether the colour that is named for the circle is the background's. */
export const misplacedColour: Measure = {
  ...bothColours,
  id: 'misplaced-colour',
  label: () => 'background in the circle’s colour',
  method: () => 'Share of pictures in which what is around the outline is nearest to the colour that is named for the circle.',
  better: 'lower',
  of: async ({ images, examples }) =>
    circlesOf(examples).map((example, i) =>
      Number(nearestName(coloursIn(images[i]!, example).background, example) === example.spec.colour),
    ),
};

function nearestName(colour: Rgb, { palette }: CircleExample): string {
  const byDistance = Object.entries(palette).map(([name, rgb]) => ({ name, distance: colourDifference(colour, rgb) }));
  return byDistance.reduce((best, one) => (one.distance < best.distance ? one : best)).name;
}
