import { createReadStream } from 'node:fs';
import tar from 'tar-stream';
import { DataError } from '../errors.ts';
import { checkTarEnd } from './archive-structure.ts';
import type { ImageEntry, ImageSource } from './image-source.ts';
import { MAX_CAPTION_BYTES, MAX_ENTRIES, MAX_ENTRY_BYTES } from './limits.ts';
import { extensionOf, isImageName, noImages, Skipped, stemOf } from './names.ts';

/**
 * A webdataset: the shards one after the other, streamed. A `.txt` beside an image of the same name is its caption.
 * Names are those in the archives, behind the shard's where there are several.
 */
export function readTar(path: string, shards: readonly string[]): ImageSource {
  const skipped = new Skipped();
  return {
    path,
    kind: 'webdataset',
    names: null,
    skipped,
    async *entries(only) {
      const seen = new Set<string>();
      skipped.reset();
      for (const shard of shards) {
        const prefix = shards.length > 1 ? `${shard.slice(path.length + 1)}/` : '';
        for await (const entry of readShard(shard, skipped)) {
          const name = prefix + entry.name;
          if (seen.has(name)) throw new DataError('duplicate-name', `${shard} holds two files named ${entry.name}`, { file: shard, name });
          seen.add(name);
          if (seen.size > MAX_ENTRIES) throw new DataError('archive-limit', `${path} holds more than ${MAX_ENTRIES} images`, { path });
          if (!only || only.has(name)) yield { ...entry, name };
        }
      }
      if (seen.size === 0) throw noImages(path, skipped);
    },
  };
}

async function* readShard(shard: string, skipped: Skipped): AsyncGenerator<ImageEntry> {
  checkTarEnd(shard);
  const stream = createReadStream(shard);
  const extract = tar.extract();
  stream.on('error', (error) => extract.destroy(error));
  stream.pipe(extract);
  // The files of a sample lie side by side, in any order.
  let caption: { stem: string; text: string } | null = null;
  let waiting: ImageEntry | null = null;
  try {
    for await (const entry of extract) {
      const { name, size = 0, type } = entry.header;
      if (type !== 'file') {
        entry.resume();
        continue;
      }
      checkName(shard, name);
      const isCaption = extensionOf(name) === 'txt';
      if (!isCaption && !isImageName(name, shard)) {
        skipped.add(name);
        entry.resume();
        continue;
      }
      const limit = isCaption ? MAX_CAPTION_BYTES : MAX_ENTRY_BYTES;
      if (size > limit)
        throw new DataError('archive-limit', `${shard}: ${name} has ${size} bytes, the limit is ${limit}`, { file: shard, name, size });
      const parts: Buffer[] = [];
      for await (const part of entry) parts.push(part as Buffer);
      const bytes = Buffer.concat(parts);
      if (isCaption) {
        caption = { stem: stemOf(name), text: bytes.toString('utf8').trim() };
        if (waiting && stemOf(waiting.name) === caption.stem) waiting.caption = caption.text;
        continue;
      }
      if (waiting) yield waiting;
      waiting = { name, bytes, caption: caption?.stem === stemOf(name) ? caption.text : null };
    }
  } catch (error) {
    throw error instanceof DataError
      ? error
      : new DataError('invalid-archive', `${shard} is damaged, cut short or no tar archive: ${(error as Error).message}`, {
          file: shard,
        });
  } finally {
    stream.destroy();
  }
  if (waiting) yield waiting;
}

function checkName(shard: string, name: string): void {
  if (name.startsWith('/') || /^[a-z]:/i.test(name) || name.split(/[\\/]/).includes('..')) {
    throw new DataError('invalid-archive', `${shard}: the entry "${name}" leads out of the archive`, { file: shard, name });
  }
}
