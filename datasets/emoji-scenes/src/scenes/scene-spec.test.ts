import { expect, test } from 'vitest';
import { caption } from '../captions/caption.ts';
import { catalogue } from '../catalogue/catalogue.ts';
import { EmojiScenesError } from '../emoji-scenes-error.ts';
import { trainingMix, type SceneMix } from './scene-mix.ts';
import { sceneSpec, type SceneOptions } from './scene-spec.ts';
import { isHeldOutCombination, type Split } from './split.ts';

const objects = catalogue('core');
const options: SceneOptions = { seed: 7, objects, size: 64 };
const many = (n: number, o: SceneOptions) => Array.from({ length: n }, (_, i) => sceneSpec(i, o));
const drawn = (spec: ReturnType<typeof sceneSpec>) => spec.placements.map((placement) => placement.object);
const codeOf = (f: () => unknown) => {
  try {
    f();
  } catch (error) {
    if (error instanceof EmojiScenesError) return error.code;
    throw error;
  }
  return null;
};

test('a scene is a pure function of seed and index, whatever was asked before', () => {
  const subset = many(20, options);
  expect(many(50, options).slice(0, 20)).toEqual(subset);
  expect(sceneSpec(13, options)).toEqual(subset[13]);
  expect(sceneSpec(13, { ...options, seed: 8 })).not.toEqual(subset[13]);
  expect(structuredClone(subset[0])).toEqual(subset[0]);
});

test('no two of 5,000 scenes are alike', () => {
  const keys = many(5000, options).map(({ placements, background }) => JSON.stringify([placements, background]));
  expect(new Set(keys).size).toBe(5000);
});

const shares = (o: SceneOptions, n = 4000) => {
  const counts = { largeSingle: 0, smallSingle: 0, pair: 0, row: 0 };
  for (const { parts } of many(n, o))
    counts[
      parts.names.length === 3 ? 'row' : parts.names.length === 2 ? 'pair' : parts.sizeWord === 'large' ? 'largeSingle' : 'smallSingle'
    ] += 1 / n;
  return counts;
};
const expectShares = (o: SceneOptions, mix: SceneMix) => {
  const found = shares(o);
  for (const kind of ['largeSingle', 'smallSingle', 'pair', 'row'] as const)
    expect(Math.abs(found[kind] - mix[kind]), kind).toBeLessThan(0.03);
};

test('the mix is the default of the size, or the one that is given', () => {
  expectShares(options, { largeSingle: 0.2, smallSingle: 0.2, pair: 0.4, row: 0.2 });
  expectShares({ ...options, size: 32 }, { largeSingle: 0.325, smallSingle: 0.325, pair: 0.35, row: 0 });
  expectShares({ ...options, mix: trainingMix }, { largeSingle: 0.5, smallSingle: 0.2, pair: 0.3, row: 0 });
});

test('train holds nothing held out, and the held-out splits nothing else', () => {
  for (const spec of many(1000, options)) {
    expect(drawn(spec).some((object) => object.heldOut)).toBe(false);
    expect(isHeldOutCombination(drawn(spec))).toBe(false);
  }
  for (const spec of many(200, { ...options, split: 'val-combination' })) {
    expect(drawn(spec).some((object) => object.heldOut)).toBe(false);
    expect(isHeldOutCombination(drawn(spec))).toBe(true);
  }
  for (const spec of many(200, { ...options, split: 'val-object' })) {
    expect(drawn(spec).some((object) => object.heldOut)).toBe(true);
    expect(new Set(drawn(spec)).size).toBe(spec.placements.length);
  }
});

test('a combination is held out whatever its order; one in twenty is', () => {
  let heldOut = 0;
  for (let i = 0; i < 100; i++) {
    for (let k = 0; k < i; k++) {
      const pair = [objects[i]!, objects[k]!];
      expect(isHeldOutCombination(pair)).toBe(isHeldOutCombination([...pair].reverse()));
      if (isHeldOutCombination(pair)) heldOut++;
    }
  }
  expect(heldOut / 4950).toBeGreaterThan(0.04);
  expect(heldOut / 4950).toBeLessThan(0.06);
});

test('the quick tier has held-out combinations but no held-out object', () => {
  const quick = { ...options, objects: catalogue('quick') };
  expect(sceneSpec(0, { ...quick, split: 'val-combination' }).placements.length).toBeGreaterThan(1);
  expect(codeOf(() => many(10, { ...quick, split: 'val-object' }))).toBe('split-unavailable');
});

test('a pool or a mix that cannot fill the split is an error, never an endless search', () => {
  const singles: SceneMix = { largeSingle: 1, smallSingle: 0, pair: 0, row: 0 };
  const pairs: SceneMix = { largeSingle: 0, smallSingle: 0, pair: 1, row: 0 };
  const seen = objects.filter((object) => !object.heldOut);
  const partner = seen.find((object) => isHeldOutCombination([seen[0]!, object]))!;
  const stranger = seen.find((object) => object !== seen[0] && !isHeldOutCombination([seen[0]!, object]))!;
  const ask = (pool: typeof objects, split: Split, mix: SceneMix) => codeOf(() => sceneSpec(0, { ...options, objects: pool, split, mix }));
  expect(ask([], 'train', singles)).toBe('split-unavailable');
  expect(
    ask(
      objects.filter((object) => object.heldOut),
      'train',
      singles,
    ),
  ).toBe('split-unavailable');
  expect(ask([seen[0]!], 'train', pairs)).toBe('split-unavailable');
  expect(ask([seen[0]!, seen[0]!], 'train', pairs)).toBe('split-unavailable');
  expect(ask([seen[0]!, partner], 'train', pairs)).toBe('split-unavailable');
  expect(ask([seen[0]!, partner], 'val-combination', pairs)).toBe(null);
  expect(ask([seen[0]!, stranger], 'val-combination', pairs)).toBe('split-unavailable');
  expect(ask(objects, 'val-combination', singles)).toBe('split-unavailable');
  expect(ask(objects, 'train', { ...singles, largeSingle: 0 })).toBe('invalid-argument');
  expect(ask(objects, 'train', { ...singles, pair: -1 })).toBe('invalid-argument');
  expect(ask(objects, 'test' as Split, singles)).toBe('invalid-argument');
});

test('the layout is what the caption says', () => {
  for (const { parts, placements, drawingOrder } of many(2000, options)) {
    const [a, b, c] = placements;
    switch (parts.relation) {
      case 'left of':
        expect(a!.centreX).toBeLessThan(b!.centreX - 0.4);
        break;
      case 'right of':
        expect(a!.centreX).toBeGreaterThan(b!.centreX + 0.4);
        break;
      case 'above':
        expect(a!.centreY).toBeLessThan(b!.centreY - 0.4);
        break;
      case 'below':
        expect(a!.centreY).toBeGreaterThan(b!.centreY + 0.4);
        break;
      case 'in front of':
        expect(drawingOrder).toEqual([1, 0]);
        break;
      case 'behind':
        expect(drawingOrder).toEqual([0, 1]);
        break;
      case 'from left to right':
        expect(a!.centreX < b!.centreX && b!.centreX < c!.centreX).toBe(true);
        break;
      case 'from top to bottom':
        expect(a!.centreY < b!.centreY && b!.centreY < c!.centreY).toBe(true);
        break;
      default:
        expect(a!.side >= 0.75).toBe(parts.sizeWord === 'large');
    }
  }
});

test('the parts of a caption are those of the scene', () => {
  const spec = sceneSpec(3, options);
  expect(spec.parts.names).toEqual(drawn(spec).map((object) => object.name));
  expect(spec.parts.colour).toBe(spec.background.colour);
  for (const name of spec.parts.names) expect(caption(spec.parts)).toContain(name);
});
