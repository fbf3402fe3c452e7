import { DataError } from '../../errors.ts';
import type { TarImage, TarList } from './list-tar.ts';
import type { Skipped } from '../skipped.ts';

/** Takes all pictures of samples that have several. */
export const ALL_COMPONENTS = '*';

/** A file's place in webdataset's terms: the key of its sample ends at the first dot of its base name, its component is what follows. */
export function sampleParts(name: string): { key: string; component: string } {
  const [, key = name, component = ''] = /^((?:.*\/)?[^/.]*)(?:\.([^/]*))?$/.exec(name) ?? [];
  return { key, component: component.toLowerCase() };
}

const sampleKey = (name: string): string => sampleParts(name).key;

/** The name of a picture's caption: its own with .txt, or else that of its sample; null where there is neither. */
export function captionOf(name: string, captions: { has(name: string): boolean }): string | null {
  return [name.replace(/\.[^./]+$/, '.txt'), `${sampleKey(name)}.txt`].find((text) => captions.has(text)) ?? null;
}

/**
 * The pictures of a webdataset's shards that are meant. Where a sample has several of them and other files, such as a caption, one
 * component has to be named; a tar of nothing but pictures is no webdataset, and all are meant.
 * @param component such as `jpg` or `seg.png`, `*` for all
 * @returns by shard
 * @throws DataError ambiguous-component naming those that there are
 */
export function chooseComponents(
  path: string,
  shards: readonly TarList[],
  component: string | undefined,
  skipped: Skipped,
): (readonly TarImage[])[] {
  const chosen: (readonly TarImage[])[] = [];
  for (const { images, captions, others } of shards) {
    if (component === undefined) checkUnambiguous(path, images, [...captions.keys(), ...others]);
    const meant = (name: string) =>
      component === undefined || component === ALL_COMPONENTS || sampleParts(name).component === component.toLowerCase();
    chosen.push(images.filter(({ name }) => meant(name)));
    skipped.add(
      'component',
      images.filter(({ name }) => !meant(name)).map(({ name }) => name),
    );
    const used = new Set(chosen.at(-1)!.map(({ name }) => captionOf(name, captions)));
    skipped.add('other', [...others, ...[...captions.keys()].filter((name) => !used.has(name))]);
  }
  if (component !== undefined && chosen.every((images) => images.length === 0)) {
    const there = componentsOf(shards.flatMap(({ images }) => images.map(({ name }) => name)));
    throw new DataError('ambiguous-component', `${path} has no pictures *.${component}; it has ${there}`, { path, component });
  }
  return chosen;
}

function checkUnambiguous(path: string, images: readonly TarImage[], others: readonly string[]): void {
  const first = new Map<string, string>();
  const several = images.find(({ name }) => {
    const key = sampleKey(name);
    if (first.has(key)) return true;
    first.set(key, name);
    return false;
  });
  if (several === undefined || !others.some((name) => first.has(sampleKey(name)))) return;
  const key = sampleKey(several.name);
  const components = componentsOf(images.map(({ name }) => name).filter((name) => sampleKey(name) === key));
  throw new DataError(
    'ambiguous-component',
    `${path}: the sample ${key} has several pictures (${components}): name the component that is meant, or ${ALL_COMPONENTS} for all`,
    { path, key },
  );
}

const MAX_NAMED = 8;

function componentsOf(names: readonly string[]): string {
  const components = [...new Set(names.map((name) => sampleParts(name).component))];
  return components.slice(0, MAX_NAMED).join(', ') + (components.length > MAX_NAMED ? ', ...' : '');
}
