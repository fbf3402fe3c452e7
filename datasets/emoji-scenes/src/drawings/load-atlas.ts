import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp from 'sharp';
import { cacheDirectory, cachedBytes } from '@controllab/data';
import { buildAtlas } from './build-atlas.ts';
import { catalogue } from '../catalogue/catalogue.ts';
import { drawingPackage } from './emoji-drawing.ts';
import { mipLevels } from './mip-levels.ts';
import { CELL_SIZE } from './rasterise.ts';
import { parseStyle, type Style } from './style.ts';

/**
 * Every object drawn in one style, ready to be sampled. Plain data on shared memory: it can be posted to a worker thread without a copy.
 */
export interface Atlas {
  readonly style: Style;
  /** Checksum of the cells: drawings of one checksum are drawn alike. */
  readonly sha256: string;
  /** Premultiplied RGBA at 64, 32 and 16 px: [633, L, L, 4] each. */
  readonly rgba: readonly Uint8Array[];
  /** Line drawings at 64, 32 and 16 px: [633, L, L] each, 255 on the line. Null in every style but `openmoji`. */
  readonly line: readonly Uint8Array[] | null;
}

// Raise when the drawing code changes what the cells hold.
const FORMAT = 1;

/**
 * The atlas of a style, from the cache directory or, the first time and after a change of the installed packages, drawn in 1 to 4 s and
 * kept there. Damaged files are drawn again. Throws `unknown-style`, and the system's error where the directory cannot be written.
 */
export async function loadAtlas(style: Style, directory: string = cacheDirectory()): Promise<Atlas> {
  const description = describe(parseStyle(style));
  const { bytes, sha256 } = await cachedBytes(join(directory, `emoji-scenes-${style}`), description, async () => {
    const { rgba, line } = await buildAtlas(style);
    return Buffer.concat([rgba, line]);
  });
  const colourBytes = description.hexcodes.length * CELL_SIZE * CELL_SIZE * 4;
  return {
    style,
    sha256,
    rgba: mipLevels(bytes.subarray(0, colourBytes), 4),
    line: bytes.length > colourBytes ? mipLevels(bytes.subarray(colourBytes), 1) : null,
  };
}

/** What the cells are made from: any difference makes a cached file old. */
function describe(style: Style) {
  const require = createRequire(import.meta.url);
  const versionOf = (name: string) => (require(`${name}/package.json`) as { version: string }).version;
  return {
    format: FORMAT,
    style,
    versions: {
      sharp: sharp.versions.sharp,
      librsvg: sharp.versions.rsvg,
      openmoji: versionOf('openmoji'),
      [drawingPackage(style)]: versionOf(drawingPackage(style)),
    },
    hexcodes: catalogue('full').map((object) => object.hexcode),
  };
}
