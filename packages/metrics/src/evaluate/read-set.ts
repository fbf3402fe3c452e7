import { FeatureCollector } from '../features/feature-collector.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import type { Features } from '../features/feature-vectors.ts';
import { EMPTY_IMAGE_SET, uniteImageSets, type ImageSet } from '../frechet/image-set.ts';
import {
  decodedBytes,
  decodeImage,
  pixelHash,
  type Conversion,
  type DecodedImage,
  type ImageEntry,
  type ImageSource,
  type Skipped,
} from '@controllab/data';

/** Images that are decoded ahead of the one in hand. */
const AHEAD = 4;

/** Bytes of pixels that are held, that of the one in hand among them: of large photographs fewer are decoded ahead, or none. */
const HELD_BYTES = 256 * 2 ** 20;

/** What a report says of a set of images, or of maps, that was read. */
export interface SetSummary {
  path: string;
  kind: ImageSource['kind'];
  names: string[];
  imageSet: ImageSet;
  /** Smallest and largest sides. */
  width: [number, number];
  height: [number, number];
  /** How many images of each kind were converted. */
  conversions: Map<Conversion, number>;
  skipped: Skipped;
}

/** A set of which nothing was read yet. */
export const unread = ({ path, kind, skipped }: ImageSource): SetSummary => ({
  path,
  kind,
  names: [],
  imageSet: EMPTY_IMAGE_SET,
  width: [Infinity, 0],
  height: [Infinity, 0],
  conversions: new Map(),
  skipped,
});

/** Counts an image in. @returns sha256 of its pixels */
export function countIn(set: SetSummary, name: string, image: DecodedImage): string {
  const hash = pixelHash(image);
  set.names.push(name);
  set.imageSet = uniteImageSets(set.imageSet, { hash });
  set.width = [Math.min(set.width[0], image.width), Math.max(set.width[1], image.width)];
  set.height = [Math.min(set.height[0], image.height), Math.max(set.height[1], image.height)];
  for (const conversion of image.conversions) set.conversions.set(conversion, (set.conversions.get(conversion) ?? 0) + 1);
  return hash;
}

/** What is kept of a set of images once all were read. */
export interface ReadSet extends SetSummary {
  /** sha256 of each image's pixels. */
  hashes: string[];
  /** Captions that came with the images. */
  captions: (string | null)[];
  /** Images that are no squares, and the largest share of one that lies outside of its middle square. */
  oblong: { count: number; outside: number };
  /** By extractor. */
  features: Map<FeatureExtractor, Features>;
}

/**
 * Reads a set once, for all extractors.
 * @param onImage is told the number of images so far
 * @param also sees each image, in order
 * @throws DataError what opening and decoding throw, naming the file; MetricsError what extracting does
 */
export async function readSet(
  source: ImageSource,
  extractors: readonly FeatureExtractor[],
  onImage: (count: number) => void,
  also: (name: string, image: DecodedImage) => Promise<void> = async () => {},
): Promise<ReadSet> {
  const collectors = new Map(extractors.map((extractor) => [extractor, new FeatureCollector(extractor)]));
  const set: ReadSet = { ...unread(source), hashes: [], captions: [], oblong: { count: 0, outside: 0 }, features: new Map() };
  for await (const { entry, image } of decoded(source)) {
    set.hashes.push(countIn(set, entry.name, image));
    set.captions.push(entry.caption);
    const outside = 1 - Math.min(image.width, image.height) / Math.max(image.width, image.height);
    if (outside > 0) set.oblong.count++;
    set.oblong.outside = Math.max(set.oblong.outside, outside);
    for (const collector of collectors.values()) await collector.add(image, `${source.path}: ${entry.name}`);
    await also(entry.name, image);
    onImage(set.names.length);
  }
  for (const [extractor, collector] of collectors) set.features.set(extractor, await collector.finish());
  return set;
}

/** A source's images in order, some decoded ahead, as far as there is room for them. */
export async function* decoded(
  source: ImageSource,
  only?: ReadonlySet<string>,
): AsyncGenerator<{ entry: ImageEntry; image: DecodedImage }> {
  const queue: { size: number; pending: Promise<{ entry: ImageEntry; image: DecodedImage }> }[] = [];
  let held = 0;
  const next = async () => {
    const { size, pending } = queue.shift()!;
    held -= size;
    return await pending;
  };
  for await (const entry of source.entries(only)) {
    const name = `${source.path}: ${entry.name}`;
    // What cannot be decoded is told when its turn comes.
    const size = await decodedBytes(entry.bytes, name).catch(() => 0);
    while (queue.length > 0 && held + size > HELD_BYTES) yield await next();
    const pending = decodeImage(entry.bytes, name).then((image) => ({ entry, image }));
    pending.catch(() => {}); // reported when its turn comes
    queue.push({ size, pending });
    held += size;
    if (queue.length > AHEAD) yield await next();
  }
  while (queue.length > 0) yield await next();
}
