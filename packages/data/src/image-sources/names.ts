import { DataError } from '../errors.ts';

/** What the decoder reads. */
const READABLE = new Set(['jpg', 'jpeg', 'png', 'webp', 'gif', 'tif', 'tiff', 'avif']);
/** Images that other tools read and the decoder does not: to skip them would be a silent loss. */
const UNREADABLE = new Set(['bmp', 'ppm', 'pgm', 'pbm', 'jp2', 'heic', 'jxl', 'exr', 'hdr', 'npy']);

export const extensionOf = (name: string): string => /\.([^./]+)$/.exec(name)?.[1]!.toLowerCase() ?? '';
/** A file's name without its extension, folders included. */
export const stemOf = (name: string): string => name.replace(/\.[^./]+$/, '');

/**
 * Whether a file is an image, by its name. Hidden files are none (macOS puts `._x.png` beside every `x.png` of an archive).
 * @throws DataError unsupported-image for a kind of image that cannot be decoded
 */
export function isImageName(name: string, where: string): boolean {
  if (/(^|\/)\.[^/]*$/.test(name)) return false;
  const extension = extensionOf(name);
  if (UNREADABLE.has(extension))
    throw new DataError(
      'unsupported-image',
      `${where}: ${name}: .${extension} files cannot be decoded; convert them to PNG (readable: ${[...READABLE].join(', ')})`,
      { file: name },
    );
  return READABLE.has(extension);
}

const collator = new Intl.Collator('en', { numeric: true });

/** img2 before img10; names that differ in letter case only stand in a fixed order too. */
export const naturally = (a: string, b: string): number => collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

const MAX_EXAMPLES = 5;

/** Files that were passed over: how many, and the first of them. */
export class Skipped {
  count = 0;
  readonly examples: string[] = [];

  add(...names: readonly string[]): void {
    this.count += names.length;
    this.examples.push(...names.slice(0, MAX_EXAMPLES - this.examples.length));
  }

  reset(): void {
    this.count = 0;
    this.examples.length = 0;
  }
}

/** What to say of a set without images. */
export function noImages(path: string, { count, examples }: Skipped): DataError {
  const others =
    count === 0
      ? 'it is empty'
      : `it holds ${count} other file${count === 1 ? '' : 's'} (${examples.join(', ')}${count > examples.length ? ', ...' : ''})`;
  return new DataError('empty-input', `there is no image in ${path}: ${others}`, { path, others: count });
}
