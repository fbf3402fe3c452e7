import { countDistinct } from '../features/content-order.ts';
import type { MetricInputs } from './metric.ts';

/** Names of images with equal pixels, in groups. */
export interface Duplicates {
  /** Two or more within the generated images. */
  generated: string[][];
  /** Two or more within the reference. */
  reference: string[][];
  /** In both sets: generated images that copy a reference, or references that slipped in. */
  across: { generated: string[]; reference: string[] }[];
}

export interface HashedSet {
  readonly names: readonly string[];
  /** Of the pixels, in the order of the names. */
  readonly hashes: readonly string[];
}

/** Exact duplicates, by the hashes of their pixels. */
export function findDuplicates(generated: HashedSet, reference: HashedSet | null): Duplicates {
  const first = byHash(generated);
  const second = reference === null ? new Map<string, string[]>() : byHash(reference);
  const several = (groups: Map<string, string[]>) => [...groups.values()].filter((names) => names.length > 1);
  return {
    generated: several(first),
    reference: several(second),
    across: [...first].flatMap(([hash, names]) => (second.has(hash) ? [{ generated: names, reference: second.get(hash)! }] : [])),
  };
}

/**
 * What a reader must know of a score where a set holds copies of its own images; nothing where neither does.
 * @param counted what counts each image once: "its interval counts"
 */
export function copiesNotes(label: string, { generated, reference }: MetricInputs['hashes'], counted: string): string[] {
  const told = [['generated', generated] as const, ['reference', reference ?? []] as const].flatMap(([set, hashes]) => {
    const copies = hashes.length - countDistinct(hashes);
    return copies === 0 ? [] : [`${copies} of ${hashes.length} ${set} images`];
  });
  return told.length === 0 ? [] : [`${label}: ${told.join(' and ')} are copies of others in the set; ${counted} distinct ones.`];
}

function byHash({ names, hashes }: HashedSet): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  names.forEach((name, i) => {
    const group = groups.get(hashes[i]!);
    if (group) group.push(name);
    else groups.set(hashes[i]!, [name]);
  });
  return groups;
}
