import { DataError } from '../../errors.ts';
import { decodeText } from '../../text.ts';
import { openBytes } from './byte-source.ts';
import type { ImageSource, ImageSourceOptions } from '../image-source.ts';
import { MAX_CAPTIONS_BYTES } from '../limits.ts';
import { listTar, type TarImage, type TarList } from './list-tar.ts';
import { captionOf, chooseComponents } from './samples.ts';
import { noImages, Skipped } from '../skipped.ts';

/**
 * A webdataset: the shards one after the other. The `.txt` of a sample is its caption.
 * Names are those in the archives, behind the shard's where there are several.
 */
export async function openTar(
  path: string,
  shards: readonly string[],
  { component, ...options }: ImageSourceOptions,
  skipped = new Skipped(),
): Promise<ImageSource> {
  const lists: TarList[] = [];
  for (const shard of shards) lists.push(await listTar(shard, skipped));
  const chosen = chooseComponents(path, lists, component, skipped);
  const read = chosen.map((images, i) => {
    const { file, gzip, captions } = lists[i]!;
    const prefix = shards.length > 1 ? `${file.slice(path.length + 1)}/` : '';
    // Those that links lead to come with the links: everything is read once, from the front to the back.
    const inOrder = images.toSorted((a, b) => a.offset - b.offset);
    return { file, gzip, prefix, images: inOrder, captions: decoded(file, captions, options) };
  });
  checkTotal(path, lists);
  const names = read.flatMap(({ prefix, images }) => images.map(({ name }) => prefix + name));
  if (names.length === 0) throw noImages(path, skipped);
  return {
    path,
    kind: 'webdataset',
    names,
    skipped,
    async *entries(only) {
      for (const { file, gzip, prefix, images, captions } of read) {
        const wanted = images.filter(({ name }) => !only || only.has(prefix + name));
        for await (const { name, bytes } of readTar(file, gzip, wanted))
          yield { name: prefix + name, bytes, caption: captions.get(captionOf(name, captions) ?? '') ?? null };
      }
    },
  };
}

function decoded(
  file: string,
  texts: ReadonlyMap<string, Buffer>,
  { captions = true, encoding }: ImageSourceOptions,
): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  if (captions) for (const [name, bytes] of texts) result.set(name, decodeText(bytes, `${file}: ${name}`, encoding).trim());
  return result;
}

function checkTotal(path: string, lists: readonly TarList[]): void {
  let total = 0;
  for (const { captions } of lists) for (const bytes of captions.values()) total += bytes.length;
  if (total > MAX_CAPTIONS_BYTES)
    throw new DataError('archive-limit', `${path} holds ${total} bytes of captions, the limit is ${MAX_CAPTIONS_BYTES}`, { path, total });
}

/** The bytes of images, which lie in the order given; those of several names at one place are read once. */
async function* readTar(file: string, gzip: boolean, images: readonly TarImage[]): AsyncGenerator<{ name: string; bytes: Uint8Array }> {
  const source = await openBytes(file, { gzip });
  try {
    let [last, bytes]: [number, Buffer] = [-1, Buffer.alloc(0)];
    for (const { name, offset, size } of images) {
      if (last !== offset) {
        await source.skip(offset - source.position);
        [last, bytes] = [offset, await source.read(size)];
      }
      if (bytes.length < size) throw new Error(`${name} is cut short`);
      yield { name, bytes };
    }
  } catch (error) {
    throw error instanceof DataError
      ? error
      : new DataError('invalid-archive', `${file} has changed: ${(error as Error).message}`, { file });
  } finally {
    await source.close();
  }
}
