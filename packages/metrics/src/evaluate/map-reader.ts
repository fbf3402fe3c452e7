import { stemOf, type DecodedImage, type ImageEntry, type ImageSource } from '@controllab/data';
import { MetricsError } from '../errors.ts';
import { decoded } from './read-set.ts';

/** Names of a set's maps by their stems: `a/1` for `a/1.png`. @throws MetricsError duplicate-name for two maps of one image */
export function mapNames({ path, names }: ImageSource): Map<string, string> {
  const byStem = new Map<string, string>();
  for (const name of names) {
    const other = byStem.get(stemOf(name));
    if (other !== undefined)
      throw new MetricsError('duplicate-name', `${path} holds two maps of one image: ${other} and ${name}`, { path, names: [other, name] });
    byStem.set(stemOf(name), name);
  }
  return byStem;
}

/** Maps of images, read once, in the order in which they are asked for; those that come before their turn are held. */
export class MapReader {
  readonly #source: ImageSource;
  readonly #names: ReadonlyMap<string, string>;
  readonly #entries: AsyncGenerator<{ entry: ImageEntry; image: DecodedImage }>;
  readonly #images: number;
  readonly #held = new Map<string, DecodedImage>();

  /** @param images the names of all images that a map will be asked for */
  constructor(source: ImageSource, images: readonly string[]) {
    this.#source = source;
    this.#names = mapNames(source);
    this.#images = images.length;
    this.#entries = decoded(source, new Set(images.flatMap((image) => this.#names.get(stemOf(image)) ?? [])));
  }

  /** The map of an image, of its size. @throws MetricsError invalid-shape for a map of another size; DataError as reading does */
  async of(image: string, { width, height }: { width: number; height: number }): Promise<DecodedImage> {
    const name = this.#names.get(stemOf(image))!;
    while (!this.#held.has(name)) {
      const { value } = await this.#entries.next();
      this.#held.set(value.entry.name, value.image);
    }
    const map = this.#held.get(name)!;
    this.#held.delete(name);
    if (map.width !== width || map.height !== height)
      throw new MetricsError(
        'invalid-shape',
        `${this.#source.path}: ${name} is ${map.width} x ${map.height}, its image ${width} x ${height}; maps are compared pixel by pixel`,
        { name, map: [map.width, map.height], image: [width, height] },
      );
    return map;
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
