import { psnr, segmentationAgreement, type LabelMaps } from '@controllab/metrics';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { Verdict } from '../judges/judge.ts';
import { SUBGROUPS } from '../networks/inception.ts';

const share = (values: readonly boolean[]): number => values.filter(Boolean).length / values.length;

/**
 * Of the pairs of versions of one picture, the share whose less degraded one scores higher; equal scores are wrong.
 * @param kinds of degradation, a picture each
 * @param scores of each picture's `levels` versions, from the untouched one on
 * @returns shares by kind, in the kinds' order, behind that of all kinds
 */
export function pairsRankedRight(kinds: readonly string[], scores: ArrayLike<number>, levels: number): Record<string, number> {
  const right = kinds.map((_, n) => {
    const pairs: boolean[] = [];
    for (let i = n * levels; i < (n + 1) * levels; i++) for (let j = i + 1; j < (n + 1) * levels; j++) pairs.push(scores[i]! > scores[j]!);
    return pairs;
  });
  const of = (kind: string): boolean[] => right.filter((_, n) => kinds[n] === kind).flat();
  return Object.fromEntries([
    ['pairs ranked right, all kinds', share(right.flat())],
    ...[...new Set(kinds)].map((kind) => [`pairs ranked right, ${kind}`, share(of(kind))] as const),
  ]);
}

/** How well segmentation maps were read back: mean IoU over the data set, by image, and how many classes there were to read. */
export function readBack(maps: readonly LabelMaps[]): Record<string, number> {
  const { datasetMiou, imageMiou, iouByClass } = segmentationAgreement(maps, { classes: SUBGROUPS });
  return {
    'mIoU over the data set': datasetMiou,
    'mIoU, mean over images': imageMiou.mean,
    'classes shown': iouByClass.filter((iou) => iou !== null).length,
  };
}

/** How often the one object of a scene is the likeliest of all, and among the five likeliest. */
export const singlesRecognised = (size: 'large' | 'small', verdicts: readonly Verdict[]): Record<string, number> => ({
  [`${size} singles, top-1`]: share(verdicts.map(({ recognised }) => recognised[0]!)),
  [`${size} singles, top-5`]: share(verdicts.map(({ topFive }) => topFive)),
});

/** How many objects of pairs are recognised; and of the pairs of which both are and whose relation can be judged, how many show it. */
export const pairsRecognised = (verdicts: readonly Verdict[]): Record<string, number> => ({
  'pair members recognised': share(verdicts.flatMap(({ recognised }) => recognised)),
  'relations of recognised pairs': share(verdicts.flatMap(({ relation }) => (relation === null ? [] : [relation]))),
});

/**
 * How many pictures find their caption among all, and captions their picture, by the highest similarity; ties count.
 * @param similarities of picture i and caption j at [i][j]: each picture's own caption has its number
 */
export function foundAmongAll(similarities: readonly (readonly number[])[]): { captions: number; pictures: number } {
  const own = similarities.map((row, i) => row[i]!);
  return {
    captions: own.filter((score, i) => similarities[i]!.every((other) => score >= other)).length,
    pictures: own.filter((score, i) => similarities.every((row) => score >= row[i]!)).length,
  };
}

/** How many numbers are higher than their partners; ties do not count. */
export const countHigher = (scores: readonly number[], partners: readonly number[]): number =>
  scores.filter((score, i) => score > partners[i]!).length;

/** PSNR in dB of each reconstruction, cut to [-1, 1], [N, C, H, W] both. */
export function psnrByImage(reconstructed: HostTensor, images: HostTensor): number[] {
  const [n, , height, width] = images.shape as [number, number, number, number];
  const size = images.data.length / n;
  const raster = ({ data }: HostTensor, i: number) => ({ data: data.subarray(i * size, (i + 1) * size), width, height });
  return Array.from({ length: n }, (_, i) => {
    const { data, ...sides } = raster(reconstructed, i);
    return psnr({ data: data.map((x) => Math.max(-1, Math.min(1, x))), ...sides }, raster(images, i), { range: 2 });
  });
}
