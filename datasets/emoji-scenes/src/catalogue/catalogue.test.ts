import { expect, test } from 'vitest';
import { candidates } from './candidates.ts';
import { catalogue, tiers, type Tier } from './catalogue.ts';
import { EmojiScenesError } from '../emoji-scenes-error.ts';
import { shapeRejects } from './shape-rejects.ts';

test('815 things are drawn in all four sets, and 638, 373 and 182 of them have a good shape and a short name', () => {
  const rows = candidates();
  expect(rows).toHaveLength(815);
  const shapely = rows.filter((row) => row.annotation.split(' ').length <= 2 && !(row.hexcode in shapeRejects));
  expect(shapely).toHaveLength(638);
  const oneWord = shapely.filter((row) => !row.annotation.includes(' '));
  expect(oneWord).toHaveLength(373);
  expect(oneWord.filter((row) => /^(animals-nature|food-drink)$/.test(row.group))).toHaveLength(182);
});

test('the tiers are those less the five denied names', () => {
  expect(tiers.map((tier) => catalogue(tier).length)).toEqual([40, 181, 368, 633]);
  const names = catalogue('full').map((object) => object.name);
  for (const name of ['locked', 'unlocked', 'cooking', 'camping', 'construction']) expect(names).not.toContain(name);
  expect(new Set(names).size).toBe(633);
});

test('each tier contains the one before, with the same ids', () => {
  for (let k = 1; k < tiers.length; k++) {
    const larger = new Set(catalogue(tiers[k]!));
    expect(catalogue(tiers[k - 1]!).every((object) => larger.has(object))).toBe(true);
  }
  catalogue('full').forEach((object, row) => expect(object.id).toBe(row));
});

test('the quick tier holds no held-out object; the others hold about one in twenty', () => {
  const heldOut = (tier: Tier) =>
    catalogue(tier)
      .filter((object) => object.heldOut)
      .map((object) => object.name);
  expect(heldOut('quick')).toEqual([]);
  expect(heldOut('core')).toEqual(['leopard', 'rabbit', 'rooster', 'turtle', 'mushroom', 'potato', 'hamburger']);
  expect(heldOut('full')).toHaveLength(29);
});

test('47 subgroups, numbered from 1', () => {
  const ids = new Set(catalogue('full').map((object) => object.subgroupId));
  expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: 47 }, (_, k) => k + 1));
});

test('an unknown tier is an error that lists the tiers', () => {
  expect(() => catalogue('tiny' as Tier)).toThrow(EmojiScenesError);
  expect(() => catalogue('tiny' as Tier)).toThrow('Unknown tier "tiny". Tiers: quick, core, default, full.');
});
