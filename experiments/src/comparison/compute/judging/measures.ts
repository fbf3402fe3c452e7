import { canny, type RgbImage } from '@controllab/data';
import { borderColour, colourNames, colours, nearestColour, scribble } from '@controllab/emoji-scenes';
import { edgeF1, frechetDistance, linearDiscriminant, maskIou, segmentationAgreement } from '@controllab/metrics';
import { SUBGROUPS } from '@controllab/mini-sd';
import type { ConditionId } from '../../conditions.ts';
import { circleColour, circleIou, groundColour } from '../../data/circle-measures.ts';
import { scenesOf, type Measured } from './measured.ts';

/** A number, or one for each picture, of what was drawn. */
export interface Measure {
  readonly id: string;
  /** Its name in tables and on axes. */
  label(condition: ConditionId): string;
  /** How it is taken: a sentence. */
  method(condition: ConditionId): string;
  readonly better: 'higher' | 'lower';
  /** Between what it lies; null where it has no bounds. */
  readonly range: readonly [number, number] | null;
  readonly per: 'image' | 'set';
  /** Raised with every change of what is computed: part of a stored value's identity. */
  readonly revision: number;
  /** Conditions that it is defined for; all of them without it. */
  readonly conditions?: readonly ConditionId[];
  /** It looks at `original` too, which is then part of a stored value's identity. */
  readonly ofCarried?: true;
  /** One value a picture (null where it does not apply), or a single one. */
  of(measured: Measured): Promise<readonly (number | null)[]>;
}

const raster = (data: Uint8Array, { width, height }: RgbImage) => ({ data, width, height });

function edges({ images, examples }: Measured, tolerance: 0 | 1): number[] {
  const scenes = scenesOf(examples);
  return images.map(
    ({ rgb, width, height }, i) => edgeF1(canny(rgb, width, height), scenes[i]!.map('canny'), width, height, { tolerance }).f1,
  );
}

/** IoU of what the mini-segmenter takes for an object and of the objects. */
async function maskAgreement({ images, examples, segments }: Measured): Promise<number[]> {
  const scenes = scenesOf(examples);
  const predicted = await segments();
  return images.map((image, i) => maskIou(raster(predicted[i]!, image), raster(scenes[i]!.map('mask'), image)));
}

/** Conditions of one map. */
type SingleCondition = Exclude<ConditionId, `${string}+${string}`>;

/** One way to hold a picture against the condition it was drawn from, by condition. */
const FIDELITY: Record<SingleCondition, { label: string; method: string; of(measured: Measured): Promise<number[]> }> = {
  scribble: {
    label: 'scribble F1 (mini-segmenter)',
    method:
      'Outlines of what the mini-segmenter sees in the pictures, drawn as the condition’s were: F1 of their pixels and the condition’s.',
    of: async ({ images, examples, segments }) => {
      const scenes = scenesOf(examples);
      const predicted = await segments();
      return images.map(({ width, height }, i) => {
        const drawn = new Uint8Array(width * height);
        scribble(predicted[i]!, width, drawn);
        return edgeF1(drawn, scenes[i]!.map('scribble'), width, height, { tolerance: 0 }).f1;
      });
    },
  },
  canny: {
    label: 'edge F1 (1 px)',
    method: 'Edges are extracted again from the pictures with the extractor that made the condition: F1 with a tolerance of one pixel.',
    of: async (measured) => edges(measured, 1),
  },
  segmentation: {
    label: 'mIoU (mini-segmenter)',
    method: 'The mini-segmenter reads 48 classes back from the pictures: mean IoU over the classes of each.',
    of: async ({ images, examples, segments }) => {
      const scenes = scenesOf(examples);
      const predicted = await segments();
      const pairs = images.map((image, i) => ({
        predicted: raster(predicted[i]!, image),
        target: raster(scenes[i]!.map('segmentation'), image),
      }));
      return segmentationAgreement(pairs, { classes: SUBGROUPS }).perImage.map((value) => value ?? 0);
    },
  },
  depth: {
    label: 'IoU of what stands out (mini-segmenter)',
    method:
      'What the mini-segmenter takes for an object against the scene’s mask, which is about a pixel wider than what the depth map has in front of the background: a perfect reading of that map does not reach an IoU of 1.',
    of: (measured) => maskAgreement(measured),
  },
  mask: {
    label: 'mask IoU (mini-segmenter)',
    method: 'What the mini-segmenter takes for an object, whichever its class, against the mask that was given: IoU.',
    of: (measured) => maskAgreement(measured),
  },
  source: {
    label: 'IoU of the circle',
    method:
      'Pixels that are nearer to the median colour within the outline than to that around it, against the circle: IoU. Which colours they are does not count.',
    of: async ({ images, examples }) => images.map((image, i) => circleIou(image, examples[i]!)),
  },
};

/** The maps of a condition that is several in one picture. */
const mapsOf = (condition: ConditionId): SingleCondition[] => condition.split('+') as SingleCondition[];

/** How closely a picture follows its condition; of several maps, the mean. */
export const conditionFidelity: Measure = {
  id: 'fidelity',
  label: (condition) =>
    mapsOf(condition)
      .map((map) => FIDELITY[map].label)
      .join(' and '),
  method: (condition) =>
    mapsOf(condition)
      .map((map) => FIDELITY[map].method)
      .join(' '),
  better: 'higher',
  range: [0, 1],
  per: 'image',
  revision: 1,
  of: async (measured) => {
    const each = await Promise.all(mapsOf(measured.condition).map((map) => FIDELITY[map].of(measured)));
    return each[0]!.map((_, i) => each.reduce((sum, values) => sum + values[i]!, 0) / each.length);
  },
};

/** Edge F1 without tolerance: what ControlNet++ reports. */
export const exactEdges: Measure = {
  id: 'exact-edges',
  label: () => 'edge F1 (exact)',
  method: () => 'Edge F1 without tolerance; decoding through the autoencoder alone costs part of it.',
  better: 'higher',
  range: [0, 1],
  per: 'image',
  revision: 1,
  conditions: ['canny'],
  of: async (measured) => edges(measured, 0),
};

export const clipScore: Measure = {
  id: 'clip',
  label: () => 'CLIP score (mini)',
  method: () => 'Raw cosine of each picture and its scene’s true caption, by a mini-CLIP that had no part in drawing it.',
  better: 'higher',
  range: [-1, 1],
  per: 'image',
  revision: 1,
  of: async ({ images, examples, judges }) =>
    (await judges.clip()).scores(
      images.map(({ rgb }) => rgb),
      examples.map(({ captions }) => captions['caption']!),
    ),
};

export const aestheticScore: Measure = {
  id: 'aesthetic',
  label: () => 'mini-aesthetic score',
  method: () => 'How little blur, noise, blocks or colour cast a predictor sees that learnt to rank such degradations.',
  better: 'higher',
  range: null,
  per: 'image',
  revision: 1,
  of: async ({ images, judges }) => (await judges.aesthetic()).scores(images.map(({ rgb }) => rgb)),
};

export const frechet: Measure = {
  id: 'frechet',
  label: () => 'Fréchet distance (mini-inception)',
  method: () => 'Of all pictures of a drawing to 1,024 real scenes of the same kinds.',
  better: 'lower',
  range: [0, Number.MAX_VALUE],
  per: 'set',
  revision: 1,
  of: async ({ features, reference }) => [(await frechetDistance(await features(), await reference())).value],
};

/** Drawn to the identity by so much, the covariance can be inverted where features never vary. */
const SHRINKAGE = 0.01;

/**
 * Whether a picture looks like the artist's whose base drew it, or like the other one's on whose base controls were trained. Four artists
 * at a time are not told apart surely: of the real scenes of three of them two thirds are taken for their own.
 */
export const styleKept: Measure = {
  id: 'style',
  label: () => 'style kept',
  method: () =>
    'Share of pictures that a linear discriminant takes for scenes of the base that drew them rather than for scenes of the experiment’s own base, learnt from mini-inception’s features of 1,024 real scenes of each; on the own base there is none.',
  better: 'higher',
  range: [0, 1],
  per: 'image',
  revision: 1,
  ofCarried: true,
  of: async ({ images, original, features, reference }) => {
    if (original === null) return images.map(() => null);
    const { classify } = await linearDiscriminant([await original(), await reference()], { shrinkage: SHRINKAGE });
    return classify(await features());
  },
};

const singles = ({ examples }: Measured): boolean[] => scenesOf(examples).map(({ spec }) => spec.placements.length === 1);

/** Whether mini-inception names the object of a single large one. */
export const objectRecognised: Measure = {
  id: 'object',
  label: () => 'object, top-1',
  method: () => 'Share of single large objects that mini-inception names.',
  better: 'higher',
  range: [0, 1],
  per: 'image',
  revision: 1,
  of: async (measured) => {
    const single = singles(measured);
    return (await measured.verdicts()).map(({ recognised }, i) => (single[i]! ? Number(recognised[0]!) : null));
  },
};

/** The same among its five likeliest. */
export const objectTopFive: Measure = {
  ...objectRecognised,
  id: 'object-top-5',
  label: () => 'object, top-5',
  method: () => 'Share of single large objects that are among the five likeliest to mini-inception.',
  of: async (measured) => {
    const single = singles(measured);
    return (await measured.verdicts()).map(({ topFive }, i) => (single[i]! ? Number(topFive) : null));
  },
};

/** Whether mini-inception finds what an insufficient prompt leaves out: the object that the scene's caption names last. */
export const unnamedRecognised: Measure = {
  ...objectRecognised,
  id: 'unnamed',
  label: () => 'unnamed object',
  method: () => 'Share of pictures in which mini-inception finds the object that an insufficient prompt leaves out.',
  of: async (measured) => (await measured.verdicts()).map(({ recognised }) => Number(recognised.at(-1)!)),
};

export const backgroundColour: Measure = {
  id: 'background',
  label: () => 'background colour',
  method: () => 'Share of pictures whose border shows the scene’s background colour.',
  better: 'higher',
  range: [0, 1],
  per: 'image',
  revision: 1,
  of: async ({ images, examples }) => {
    const palette = colourNames.map((name) => colours[name]);
    const scenes = scenesOf(examples);
    return images.map(({ rgb, width, height }, i) =>
      Number(colourNames[nearestColour(borderColour(rgb, width, height), palette)] === scenes[i]!.spec.background.colour),
    );
  },
};

/** Of every pixel of a picture, by a function of its red, green and blue in 0 to 1. */
function perPixel({ rgb }: RgbImage, of: (r: number, g: number, b: number) => number): Float64Array {
  const values = new Float64Array(rgb.length / 3);
  for (let p = 0; p < values.length; p++) values[p] = of(rgb[3 * p]! / 255, rgb[3 * p + 1]! / 255, rgb[3 * p + 2]! / 255);
  return values;
}

const meanOf = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;

/** A measure of pictures alone, without a judge and without their scenes. */
const ofColours = (id: string, label: string, method: string, of: (image: RgbImage) => number): Measure => ({
  id,
  label: () => label,
  method: () => method,
  better: 'higher',
  range: [0, 1],
  per: 'image',
  revision: 1,
  of: async ({ images }) => images.map(of),
});

/** What guidance is said to raise: standard deviation of Rec. 601 luma, of 0 to 1. */
export const contrast = ofColours(
  'contrast',
  'contrast (deviation of luma)',
  'Standard deviation of luma over a picture, 0 to 1.',
  (image) => {
    const luma = perPixel(image, (r, g, b) => 0.299 * r + 0.587 * g + 0.114 * b);
    const mean = meanOf(luma);
    return Math.sqrt(meanOf(luma.map((value) => (value - mean) ** 2)));
  },
);

/** The same of colour: largest minus smallest channel. */
export const saturation = ofColours(
  'saturation',
  'saturation (largest − smallest channel)',
  'Largest minus smallest of red, green and blue, mean over a picture, 0 to 1.',
  (image) => meanOf(perPixel(image, (r, g, b) => Math.max(r, g, b) - Math.min(r, g, b))),
);

/** Whether a measure is defined for a condition. */
export const applies = ({ conditions }: Measure, condition: ConditionId): boolean =>
  conditions === undefined || conditions.includes(condition);

/** What a training may be followed by beside fidelity, by name: of the same pictures. */
export const FOLLOWED = { 'circle-colour': circleColour, 'ground-colour': groundColour } as const satisfies Record<string, Measure>;

export type FollowedId = keyof typeof FOLLOWED;
