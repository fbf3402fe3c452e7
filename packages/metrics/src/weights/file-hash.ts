import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { MetricsError } from '../errors.ts';

/** sha256 of a file's bytes, in hexadecimal. @throws MetricsError invalid-file when it cannot be read */
export async function fileHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    throw new MetricsError('invalid-file', `cannot read ${file}: ${(error as Error).message}`, { file });
  }
  return hash.digest('hex');
}
