import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';

/**
 * The bytes that `build` gives, kept in `<base>.bin` beside a JSON sidecar of `description` and their checksum. A file that is missing,
 * truncated, damaged, or of another description is built again.
 *
 * Processes may build at once: each file is renamed into place whole, and bytes that meet the sidecar of another description fail the
 * checksum. Throws the system's error where the directory can be neither read nor written.
 */
export async function cachedBytes(base: string, description: object, build: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const cached = await read(base, description);
  if (cached) return cached;
  const bytes = await build();
  await mkdir(dirname(base), { recursive: true });
  await writeFileAtomic(`${base}.bin`, bytes);
  await writeFileAtomic(`${base}.json`, sidecarOf(description, bytes));
  return bytes;
}

async function read(base: string, description: object): Promise<Uint8Array | null> {
  try {
    const [bytes, sidecar] = await Promise.all([readFile(`${base}.bin`), readFile(`${base}.json`, 'utf8')]);
    return sidecar === sidecarOf(description, bytes) ? bytes : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function sidecarOf(description: object, bytes: Uint8Array): string {
  return `${JSON.stringify({ ...description, sha256: createHash('sha256').update(bytes).digest('hex') }, null, 1)}\n`;
}
