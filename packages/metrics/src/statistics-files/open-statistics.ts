import { open, stat } from 'node:fs/promises';
import { MetricsError } from '../errors.ts';
import type { FeatureStatistics } from '../frechet/feature-statistics.ts';
import { npyEntries, readNpz } from './npz.ts';
import { readStatistics } from './statistics-file.ts';

/**
 * A reference that is statistics: what --save-reference wrote, under any name, or an .npz with mu and sigma. Null for anything else,
 * such as a folder, or a zip of images: what a file holds is told by its content.
 * @throws MetricsError invalid-statistics
 */
export async function openStatistics(file: string): Promise<FeatureStatistics | null> {
  const found = await stat(file).catch(() => null);
  if (found === null || !found.isFile()) return null;
  const head = await firstBytes(file, 9);
  if (head.toString('latin1').startsWith('\x93NUMPY'))
    throw new MetricsError('invalid-statistics', `${file} is one array of numpy\u2019s; statistics are mu and sigma together in an .npz`, {
      file,
    });
  const isZip = head.toString('latin1').startsWith('PK');
  const isSafetensors = head.length === 9 && head.readBigUInt64LE(0) <= BigInt(found.size) && head[8] === '{'.charCodeAt(0);
  if (isSafetensors || (!isZip && file.endsWith('.safetensors'))) return readStatistics(file);
  const arrays = isZip ? await npyEntries(file) : null;
  if (arrays !== null) return await readNpz(file, arrays);
  if (file.endsWith('.npz'))
    throw new MetricsError('invalid-statistics', `${file} is no .npz of numpy arrays (it is damaged, or holds none)`, { file });
  return null;
}

async function firstBytes(file: string, count: number): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
