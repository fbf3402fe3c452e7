import { describe, expect, it } from 'vitest';
import { countHigher, foundAmongAll, pairsRankedRight, pairsRecognised, psnrByImage, readBack, singlesRecognised } from './quality.ts';

describe('pairsRankedRight', () => {
  it('counts a picture’s pairs of versions by its kind of degradation', () => {
    // Of the first picture all three pairs are right; of the second 2 > 3 is wrong and both with 1 are right; of the third none is.
    const scores = [9, 5, 1, 2, 3, 1, 1, 2, 3];
    expect(pairsRankedRight(['blur', 'noise', 'noise'], scores, 3)).toEqual({
      'pairs ranked right, all kinds': 5 / 9,
      'pairs ranked right, blur': 1,
      'pairs ranked right, noise': 2 / 6,
    });
  });

  it('has the kinds in the order in which they come, and takes equal scores for wrong', () => {
    const shares = pairsRankedRight(['noise', 'blur', 'noise'], [1, 0, 1, 1, 0, 1], 2);
    expect(Object.entries(shares)).toEqual([
      ['pairs ranked right, all kinds', 1 / 3],
      ['pairs ranked right, noise', 1 / 2],
      ['pairs ranked right, blur', 0],
    ]);
  });
});

it('readBack: mean IoU over all pixels, by image, and the classes that there are', () => {
  const map = (...data: number[]) => ({ data: Uint8Array.from(data), width: data.length, height: 1 });
  // Class 0: 3 of 4 pixels that either says; class 1: 1 of 2; class 4: 2 of 2. By image: (1/2 + 1/2) / 2, and (1 + 1) / 2.
  const maps = [
    { predicted: map(0, 0, 1), target: map(0, 1, 1) },
    { predicted: map(0, 0, 4, 4), target: map(0, 0, 4, 4) },
  ];
  expect(readBack(maps)).toEqual({
    'mIoU over the data set': expect.closeTo((3 / 4 + 1 / 2 + 1) / 3, 12) as number,
    'mIoU, mean over images': expect.closeTo(3 / 4, 12) as number,
    'classes shown': 3,
  });
});

describe('what is recognised', () => {
  it('of single objects: the likeliest, and five of them', () => {
    const verdict = (first: boolean, topFive: boolean) => ({ recognised: [first], topFive, relation: null });
    const verdicts = [verdict(true, true), verdict(false, true), verdict(false, true), verdict(false, false)];
    expect(singlesRecognised('large', verdicts)).toEqual({ 'large singles, top-1': 1 / 4, 'large singles, top-5': 3 / 4 });
    expect(Object.keys(singlesRecognised('small', verdicts))).toEqual(['small singles, top-1', 'small singles, top-5']);
  });

  it('of pairs: each member, and relations only where they can be judged', () => {
    const verdict = (recognised: [boolean, boolean], relation: boolean | null) => ({ recognised, topFive: false, relation });
    const verdicts = [verdict([true, true], true), verdict([true, true], false), verdict([true, false], null), verdict([true, true], true)];
    expect(pairsRecognised(verdicts)).toEqual({ 'pair members recognised': 7 / 8, 'relations of recognised pairs': 2 / 3 });
  });
});

it('foundAmongAll looks along rows for captions and along columns for pictures, and counts ties', () => {
  // By row: 5 is the most, 2 lies below 6, 4 ties with others. By column: 5 is the most, 2 lies below 4, 4 below 6.
  const similarities = [
    [5, 1, 0],
    [0, 2, 6],
    [4, 4, 4],
  ];
  expect(foundAmongAll(similarities)).toEqual({ captions: 2, pictures: 1 });
});

it('countHigher counts no ties', () => {
  expect(countHigher([1, 2, 3, 4], [0, 2, 4, 3])).toBe(2);
});

it('psnrByImage cuts a reconstruction to [-1, 1] and takes each image for itself', () => {
  const images = (...data: number[]) => ({ data: Float32Array.from(data), shape: [2, 1, 1, 2] });
  // Errors 0 and 1 (3 is cut to 1): mean square 1/2, of a range of 2. Errors 1/2 and 1/2: mean square 1/4.
  const [first, second] = psnrByImage(images(1, 3, 0.5, -1), images(1, 0, 0, -0.5));
  expect(first).toBeCloseTo(10 * Math.log10(8), 12);
  expect(second).toBeCloseTo(10 * Math.log10(16), 12);
});
