import { decodeImage, stemOf, type ImageEntry, type ImageSource } from '@controllab/data';
import { MetricsError } from '../errors.ts';
import type { ReadMap } from './metric.ts';
import { countIn, unread, type SetSummary } from './read-set.ts';

/**
 * Names of a set's images or maps by their stems: `a/1` for `a/1.png`.
 * @param what it is two of that have one stem: maps of one image, or images of one map
 * @throws MetricsError duplicate-name
 */
export function namesByStem({ path, names }: ImageSource, what: string): Map<string, string> {
  const byStem = new Map<string, string>();
  for (const name of names) {
    const other = byStem.get(stemOf(name));
    if (other !== undefined)
      throw new MetricsError('duplicate-name', `${path} holds two ${what}: ${other} and ${name}`, { path, names: [other, name] });
    byStem.set(stemOf(name), name);
  }
  return byStem;
}

/** Names of a set's maps by their stems. @throws MetricsError duplicate-name for two maps of one image */
export const mapNames = (source: ImageSource): Map<string, string> => namesByStem(source, 'maps of one image');

/** Maps of images, read once, in the order in which they are asked for; the files of those that come before their turn are held. */
export class MapReader {
  /** Of the maps that were asked for so far. */
  readonly read: SetSummary;
  readonly #source: ImageSource;
  readonly #names: ReadonlyMap<string, string>;
  readonly #entries: AsyncGenerator<ImageEntry>;
  readonly #images: number;
  readonly #held = new Map<string, ImageEntry>();

  /** @param images the names of all images that a map will be asked for */
  constructor(source: ImageSource, images: readonly string[]) {
    this.read = unread(source);
    this.#source = source;
    this.#names = mapNames(source);
    this.#images = images.length;
    this.#entries = source.entries(new Set(images.flatMap((image) => this.#names.get(stemOf(image)) ?? [])));
  }

  /**
   * The map of an image, of its size.
   * @throws MetricsError invalid-shape for a map of another size; invalid-file for one of 16 bits; DataError as reading does
   */
  async of(image: string, { width, height }: { width: number; height: number }): Promise<ReadMap> {
    const file = this.#names.get(stemOf(image))!;
    while (!this.#held.has(file)) {
      const { value } = await this.#entries.next();
      this.#held.set(value.name, value);
    }
    const { bytes } = this.#held.get(file)!;
    this.#held.delete(file);
    const name = `${this.#source.path}: ${file}`;
    const map = await decodeImage(bytes, name);
    if (map.width !== width || map.height !== height)
      throw new MetricsError(
        'invalid-shape',
        `${name} is ${map.width} x ${map.height}, its image ${width} x ${height}; maps are compared pixel by pixel`,
        { name: file, map: [map.width, map.height], image: [width, height] },
      );
    if (map.conversions.includes('deep-colour'))
      throw new MetricsError('invalid-file', `${name} is a 16-bit map: its upper 8 bits alone would be compared; write it in 8 bits`, {
        name: file,
      });
    countIn(this.read, file, map);
    return { ...map, name, bytes };
  }

  /** What a reader must know: maps that belong to no image. */
  leftOut(): string[] {
    const count = this.#names.size - this.#images;
    return count === 0 ? [] : [`${count} of ${this.#names.size} maps in ${this.#source.path} belong to no image and were left out.`];
  }

  /** Lets go of the file; to be called however reading ends. */
  async close(): Promise<void> {
    await this.#entries.return(undefined);
  }
}
