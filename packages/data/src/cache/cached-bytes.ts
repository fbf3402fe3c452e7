import { readFile } from 'node:fs/promises';
import { sha256 } from '../sha256.ts';
import { writeAtomic } from '../write-atomic.ts';

/** Bytes and their SHA-256 in hexadecimal digits. */
export interface CheckedBytes {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/**
 * The bytes that `build` gives, kept in `<base>.bin` beside a JSON sidecar of `description` and their checksum. A file that is missing,
 * truncated, damaged, or of another description is built again.
 *
 * Processes may build at once: each file is renamed into place whole, and bytes that meet the sidecar of another description fail the
 * checksum. Throws the system's error where the directory can be neither read nor written.
 */
export async function cachedBytes(base: string, description: object, build: () => Promise<Uint8Array>): Promise<CheckedBytes> {
  const cached = await read(base, description);
  if (cached) return cached;
  const checked = checksummed(await build());
  await writeAtomic(`${base}.bin`, checked.bytes);
  await writeAtomic(`${base}.json`, sidecarOf(description, checked));
  return checked;
}

async function read(base: string, description: object): Promise<CheckedBytes | null> {
  try {
    const [bytes, sidecar] = await Promise.all([readFile(`${base}.bin`), readFile(`${base}.json`, 'utf8')]);
    const checked = checksummed(bytes);
    return sidecar === sidecarOf(description, checked) ? checked : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const checksummed = (bytes: Uint8Array): CheckedBytes => ({ bytes, sha256: sha256(bytes) });

const sidecarOf = (description: object, { sha256 }: CheckedBytes): string => `${JSON.stringify({ ...description, sha256 }, null, 1)}\n`;
