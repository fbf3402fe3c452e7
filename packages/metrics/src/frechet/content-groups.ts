import { byPlace, contentPlaces, type ContentKeys } from '../features/content-order.ts';

/** The row of the second set that shows the image of each row of the first, or -1. */
export type Partners = Int32Array;

/** Rows of one key. */
export function samePartners(a: ContentKeys, b: ContentKeys): Partners {
  const waiting = new Map<string, number[]>();
  for (const [j, key] of b.entries()) {
    const rows = waiting.get(key);
    if (rows === undefined) waiting.set(key, [j]);
    else rows.push(j);
  }
  return Int32Array.from(a, (key) => waiting.get(key)?.shift() ?? -1);
}

/**
 * Deals the rows of several sets into `count` groups of each, by content and seed alone: the order of the rows changes nothing, and rows
 * that show the same image fall into the same group, those of one set too. A set's groups are equally large, or differ by one or two;
 * where it holds copies of its own images, they differ by as many as need be.
 * @param partners of the rows of set p in set q, for p < q
 * @returns the rows of each group, in an order of their content too, for each set
 */
export function dealByContent(
  sets: readonly ContentKeys[],
  partners: readonly { readonly p: number; readonly q: number; readonly rows: Partners }[],
  { count, seed }: { count: number; seed: number },
): Uint32Array[][] {
  const places = sets.map((keys) => contentPlaces(keys, seed));
  const dealt = sets.map((keys) => new Int32Array(keys.length).fill(-1));
  const sizes = sets.map(() => new Uint32Array(count));
  const clusters = clustersOf(sets, partners).map((members) => ({
    members,
    place: members.map(([set, row]) => places[set]![row]!).sort()[0]!,
  }));
  clusters.sort((a, b) => b.members.length - a.members.length || (a.place < b.place ? -1 : a.place > b.place ? 1 : 0));
  for (const { members } of clusters) {
    let group = 0;
    const load = (g: number): number => members.reduce((sum, [set]) => sum + sizes[set]![g]!, 0);
    for (let g = 1; g < count; g++) if (load(g) < load(group)) group = g;
    for (const [set, row] of members) {
      dealt[set]![row] = group;
      sizes[set]![group]!++;
    }
  }
  return sets.map((_, set) => {
    const order = byPlace(places[set]!);
    return Array.from({ length: count }, (__, g) => Uint32Array.from(order.filter((row) => dealt[set]![row] === g)));
  });
}

/** Rows that show the same image, as (set, row); of a set only those of one key. */
function clustersOf(
  sets: readonly ContentKeys[],
  partners: readonly { readonly p: number; readonly q: number; readonly rows: Partners }[],
): [set: number, row: number][][] {
  const found = new Map<string, [number, number][]>();
  const clusters = new Set<[number, number][]>();
  for (const [set, keys] of sets.entries()) {
    const byKey = new Map<string, [number, number][]>();
    for (const [row, key] of keys.entries()) {
      const cluster = byKey.get(key) ?? [];
      cluster.push([set, row]);
      byKey.set(key, cluster);
      found.set(`${set} ${row}`, cluster);
      clusters.add(cluster);
    }
  }
  for (const { p, q, rows } of partners) {
    for (const [row, other] of rows.entries()) {
      if (other < 0) continue;
      const [one, two] = [found.get(`${p} ${row}`)!, found.get(`${q} ${other}`)!];
      const theirs = new Set(two.map(([set]) => set));
      const clash = one === two || one.some(([set]) => theirs.has(set));
      if (clash) continue;
      for (const member of two) one.push(member);
      for (const [set, member] of two) found.set(`${set} ${member}`, one);
      clusters.delete(two);
    }
  }
  return [...clusters];
}
