import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { DataError } from '../../errors.ts';
import { MAX_RATIO, RATIO_FROM_BYTES } from '../limits.ts';

/** A file's bytes, packed or not, from the front to the back. */
export interface ByteSource {
  /** Of the next byte. */
  readonly position: number;
  /** Fewer than asked for only where the file ends. */
  read(length: number): Promise<Buffer>;
  /** Moves on, past the end too: then the next read gives nothing. */
  skip(length: number): Promise<void>;
  close(): Promise<void>;
}

export const openBytes = (file: string, { gzip }: { gzip: boolean }): Promise<ByteSource> =>
  gzip ? Promise.resolve(gunzipped(file)) : plain(file);

async function plain(file: string): Promise<ByteSource> {
  const handle = await open(file);
  const { size } = await handle.stat();
  let position = 0;
  return {
    get position() {
      return position;
    },
    async read(length) {
      const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - position)));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, position);
      position += bytesRead;
      return bytes.subarray(0, bytesRead);
    },
    async skip(length) {
      position = Math.min(size, position + length);
    },
    close: () => handle.close(),
  };
}

function gunzipped(file: string): ByteSource {
  const packed = createReadStream(file);
  const stream = createGunzip();
  packed.on('error', (error) => stream.destroy(error));
  packed.pipe(stream);
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let chunk: Buffer = Buffer.alloc(0);
  let unpacked = 0;
  const take = async (length: number, use: (part: Buffer) => void): Promise<number> => {
    let left = length;
    while (left > 0) {
      if (chunk.length === 0) {
        const { value, done } = await chunks.next();
        if (done) break;
        chunk = value;
        unpacked += chunk.length;
        if (unpacked > RATIO_FROM_BYTES && unpacked > packed.bytesRead * MAX_RATIO)
          throw new DataError('archive-limit', `${file} unpacks to more than ${MAX_RATIO} times its size`, { file });
      }
      const part = chunk.subarray(0, left);
      chunk = chunk.subarray(part.length);
      left -= part.length;
      use(part);
    }
    return length - left;
  };
  let position = 0;
  return {
    get position() {
      return position;
    },
    async read(length) {
      const parts: Buffer[] = [];
      position += await take(length, (part) => parts.push(part));
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    },
    async skip(length) {
      position += await take(length, () => {});
    },
    async close() {
      packed.destroy();
      stream.destroy();
    },
  };
}
