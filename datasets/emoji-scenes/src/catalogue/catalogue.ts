import { candidates } from './candidates.ts';
import { EmojiScenesError } from '../emoji-scenes-error.ts';
import { hashString } from '../scenes/hash.ts';
import { quickNames } from './quick-names.ts';
import { shapeRejects } from './shape-rejects.ts';

/** Sizes of the object pool, smallest first; each is contained in the next. */
export const tiers = ['quick', 'core', 'default', 'full'] as const;

export type Tier = (typeof tiers)[number];

/** One thing that a scene can hold. */
export interface EmojiObject {
  /** Row in the full catalogue and in every atlas, 0 to 632. */
  readonly id: number;
  /** Unicode code points as OpenMoji writes them, e.g. `1F408-200D-2B1B`. */
  readonly hexcode: string;
  /** Unicode's short name, one or two words, e.g. `cat`. */
  readonly name: string;
  /** Unicode's group and subgroup, e.g. `animals-nature/animal-mammal`. */
  readonly subgroup: string;
  /** Class in segmentation maps, 1 to 47; 0 is the background. */
  readonly subgroupId: number;
  /** Never seen in the split `train`: hash(hexcode) % 20 is 0. */
  readonly heldOut: boolean;
}

// Their names do not name the thing that is drawn.
const denied = new Set(['locked', 'unlocked', 'cooking', 'camping', 'construction']);

const pools = new Map<Tier, readonly EmojiObject[]>();

/**
 * The objects of a tier in OpenMoji's order: `quick` 40 hand-picked ones, `core` 181 (animals and food of one word), `default` 368 (one
 * word), `full` 633 (at most two words). Object ids are the same in every tier. Throws `unknown-tier` for a name that is not a tier.
 */
export function catalogue(tier: Tier): readonly EmojiObject[] {
  let pool = pools.get(tier);
  if (!pool) {
    pool = tier === 'full' ? fullCatalogue() : catalogue('full').filter(memberOf(tier));
    pools.set(tier, pool);
  }
  return pool;
}

function memberOf(tier: Tier): (object: EmojiObject) => boolean {
  const oneWord = (object: EmojiObject) => !object.name.includes(' ');
  switch (tier) {
    case 'quick':
      return (object) => quickNames.includes(object.name);
    case 'core':
      return (object) => oneWord(object) && /^(animals-nature|food-drink)\//.test(object.subgroup);
    case 'default':
      return oneWord;
    case 'full':
      return () => true;
    default:
      throw new EmojiScenesError('unknown-tier', `Unknown tier "${String(tier)}". Tiers: ${tiers.join(', ')}.`, { tier });
  }
}

function fullCatalogue(): EmojiObject[] {
  const rows = candidates().filter(
    ({ annotation, hexcode }) => annotation.split(' ').length <= 2 && !(hexcode in shapeRejects) && !denied.has(annotation),
  );
  const subgroups = [...new Set(rows.map((row) => `${row.group}/${row.subgroups}`))];
  return rows.map((row, id) => {
    const subgroup = `${row.group}/${row.subgroups}`;
    return {
      id,
      hexcode: row.hexcode,
      name: row.annotation,
      subgroup,
      subgroupId: subgroups.indexOf(subgroup) + 1,
      heldOut: hashString(row.hexcode) % 20 === 0,
    };
  });
}
