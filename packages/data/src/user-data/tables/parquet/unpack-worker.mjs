// Plain JavaScript: Node 20 cannot load TypeScript in a worker thread. Row groups are asked for one at a time.
import { open } from 'node:fs/promises';
import { parentPort } from 'node:worker_threads';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/**
 * A part of the file as the reader of parquet asks for it.
 * @param {import('node:fs/promises').FileHandle} handle
 * @param {number} size
 */
const bufferOf = (handle, size) => ({
  byteLength: size,
  slice(start, end = size) {
    const read = async () => {
      if (!(start >= 0 && end >= start && end <= size)) throw new Error(`it names bytes ${start} to ${end} of ${size}`);
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      if (bytesRead < bytes.length) throw new Error('it is shorter than it was');
      return bytes.buffer;
    };
    const part = read();
    // Several are asked for at a time and waited for one after the other: what fails behind the first failure is nobody's otherwise.
    part.catch(() => {});
    return part;
  },
});

parentPort.on('message', async ({ file, metadata, columns, rowStart, rowEnd }) => {
  try {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      const rows = await parquetReadObjects({
        file: bufferOf(handle, size),
        metadata,
        columns,
        rowStart,
        rowEnd,
        compressors,
        utf8: false,
      });
      parentPort.postMessage({ rows });
    } finally {
      await handle.close();
    }
  } catch (error) {
    parentPort.postMessage({ error: error.message });
  }
});
