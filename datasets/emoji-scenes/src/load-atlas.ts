import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp from 'sharp';
import writeFileAtomic from 'write-file-atomic';
import { buildAtlas, type AtlasCells } from './build-atlas.ts';
import { cacheDirectory } from './cache-directory.ts';
import { catalogue } from './catalogue.ts';
import { drawingPackage } from './emoji-drawing.ts';
import { mipLevels } from './mip-levels.ts';
import { CELL_SIZE } from './rasterise.ts';
import { parseStyle, type Style } from './style.ts';

/** Every object drawn in one style, ready to be sampled. Plain data on shared memory: it can be posted to a worker thread without a copy. */
export interface Atlas {
  readonly style: Style;
  /** Premultiplied RGBA at 64, 32 and 16 px: [633, L, L, 4] each. */
  readonly rgba: readonly Uint8Array[];
  /** Line drawings at 64, 32 and 16 px: [633, L, L] each, 255 on the line. Null in every style but `openmoji`. */
  readonly line: readonly Uint8Array[] | null;
}

/** What a cache file was made from. Any difference from what would be made now makes the file old. */
interface Sidecar {
  format: number;
  style: Style;
  versions: Record<string, string>;
  hexcodes: string[];
  sha256: string;
}

// Raise when the drawing code changes what the cells hold.
const FORMAT = 1;

/**
 * The atlas of a style, from the cache directory or drawn and stored there. A file that is truncated, damaged or made from other package
 * versions fails its checksum or its sidecar and is drawn again. Two processes may build at once: both files are renamed into place whole,
 * and a reader that catches the data of one beside the sidecar of the other sees a checksum that fits, because the same versions draw the
 * same bytes, or one that does not, and builds.
 *
 * Throws `unknown-style`, and the system's error where the directory cannot be written.
 */
export async function loadAtlas(style: Style, directory: string = cacheDirectory()): Promise<Atlas> {
  const expected = describe(parseStyle(style));
  const base = join(directory, `emoji-scenes-${style}`);
  const cells = (await readCells(base, expected)) ?? (await buildCells(base, directory, expected));
  return {
    style,
    rgba: mipLevels(cells.rgba, 4),
    line: cells.line.length > 0 ? mipLevels(cells.line, 1) : null,
  };
}

function describe(style: Style): Omit<Sidecar, 'sha256'> {
  const require = createRequire(import.meta.url);
  const versions: Record<string, string> = { sharp: sharp.versions.sharp, librsvg: sharp.versions.rsvg ?? 'unknown' };
  for (const name of ['openmoji', drawingPackage(style)]) {
    versions[name] = (require(`${name}/package.json`) as { version: string }).version;
  }
  return { format: FORMAT, style, versions, hexcodes: catalogue('full').map((object) => object.hexcode) };
}

async function readCells(base: string, expected: Omit<Sidecar, 'sha256'>): Promise<AtlasCells | null> {
  let bytes: Buffer;
  let sidecar: string;
  try {
    [bytes, sidecar] = await Promise.all([readFile(`${base}.bin`), readFile(`${base}.json`, 'utf8')]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (sidecar !== serialise(expected, bytes)) return null;
  const pixels = expected.hexcodes.length * CELL_SIZE * CELL_SIZE;
  return { rgba: bytes.subarray(0, pixels * 4), line: bytes.subarray(pixels * 4) };
}

async function buildCells(base: string, directory: string, expected: Omit<Sidecar, 'sha256'>): Promise<AtlasCells> {
  const cells = await buildAtlas(expected.style);
  const bytes = Buffer.concat([cells.rgba, cells.line]);
  await mkdir(directory, { recursive: true });
  await writeFileAtomic(`${base}.bin`, bytes);
  await writeFileAtomic(`${base}.json`, serialise(expected, bytes));
  return cells;
}

function serialise(description: Omit<Sidecar, 'sha256'>, bytes: Uint8Array): string {
  const sidecar: Sidecar = { ...description, sha256: createHash('sha256').update(bytes).digest('hex') };
  return `${JSON.stringify(sidecar, null, 1)}\n`;
}
