import type { EmojiObject } from '../catalogue/catalogue.ts';
import { EmojiScenesError } from '../emoji-scenes-error.ts';
import type { RandomStream } from './random-stream.ts';
import { isHeldOutCombination, type Split } from './split.ts';

interface Pool {
  all: readonly EmojiObject[];
  seen: readonly EmojiObject[];
  heldOut: readonly EmojiObject[];
}

// One combination in twenty is held out: a pool that has any yields one long before this, and one that has none must not loop for ever.
const MAX_ATTEMPTS = 2000;

const pools = new WeakMap<readonly EmojiObject[], Pool>();

/**
 * `count` different objects that a scene of `split` may hold. Throws `split-unavailable` where the pool has none: no held-out object, too
 * few objects, or no held-out combination.
 */
export function drawObjects(random: RandomStream, objects: readonly EmojiObject[], count: number, split: Split): EmojiObject[] {
  const pool = poolOf(objects);
  const unavailable = (reason: string) =>
    new EmojiScenesError('split-unavailable', `No scene of ${count} object(s) for the split "${split}": ${reason}.`, {
      split,
      count,
      objects: pool.all.length,
      heldOut: pool.heldOut.length,
    });
  if (split === 'val-object' && pool.heldOut.length === 0) throw unavailable(`none of the pool's ${pool.all.length} objects is held out`);
  const from = split === 'val-object' ? pool.all : pool.seen;
  if (from.length < count) throw unavailable(`the pool has ${from.length} fitting object(s)`);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const drawn: EmojiObject[] = [];
    // One place gets a held-out object; the others take any.
    const heldOutPlace = split === 'val-object' ? random.integer(count) : -1;
    if (heldOutPlace >= 0) drawn[heldOutPlace] = pick(random, pool.heldOut);
    for (let place = 0; place < count; place++) {
      if (place === heldOutPlace) continue;
      let object = pick(random, from);
      while (drawn.includes(object)) object = pick(random, from);
      drawn[place] = object;
    }
    if (split === 'val-object' || isHeldOutCombination(drawn) === (split === 'val-combination')) return drawn;
  }
  throw unavailable(`the pool has no such combination that is ${split === 'train' ? 'not held out' : 'held out'}`);
}

function pick(random: RandomStream, from: readonly EmojiObject[]): EmojiObject {
  return from[random.integer(from.length)]!;
}

function poolOf(objects: readonly EmojiObject[]): Pool {
  let pool = pools.get(objects);
  if (!pool) {
    const all = [...new Set(objects)];
    pool = { all, seen: all.filter((object) => !object.heldOut), heldOut: all.filter((object) => object.heldOut) };
    pools.set(objects, pool);
  }
  return pool;
}
