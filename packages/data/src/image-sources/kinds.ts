import { DataError } from '../errors.ts';
import { extensionOf } from './names.ts';

/** What the decoder reads. */
const READABLE = new Set(
  ['jpg', 'jpeg', 'jpe', 'jfif', 'jfi', 'jif', 'png', 'apng', 'webp', 'gif', 'tif', 'tiff', 'avif'].concat([
    ...['bmp', 'dib', 'ppm', 'pgm', 'pbm', 'pnm'],
  ]),
);

/** Images that other tools read and the decoder does not: to skip them would be a silent loss. */
const UNREADABLE = new Set([
  ...['jp2', 'j2k', 'j2c', 'jpf', 'jpx', 'heic', 'heif', 'hif', 'jxl', 'exr', 'hdr', 'npy', 'tga', 'psd', 'pcx', 'sgi', 'pam', 'pfm'],
  ...['dng', 'cr2', 'cr3', 'nef', 'arw', 'orf', 'raf', 'rw2'],
]);

/** Files that lie beside images and are none, whatever they begin with: nobody need look into them. */
const OTHER = new Set([
  ...['txt', 'caption', 'json', 'jsonl', 'csv', 'tsv', 'cls', 'id', 'md', 'html', 'htm', 'css', 'js', 'xml', 'svg', 'yaml', 'yml', 'toml'],
  ...['npz', 'pt', 'pth', 'ckpt', 'safetensors', 'onnx', 'parquet', 'bin', 'db', 'ini', 'log', 'py', 'sh', 'ipynb', 'pdf', 'mp4', 'ico'],
  ...['zip', 'tar', 'gz', 'tgz', 'bz2', 'xz', 'zst', '7z', 'rar', 'tmp', 'part', 'partial', 'crdownload', 'bak', 'swp'],
]);

/** Folders that systems put beside the user's files, with copies and thumbnails of them. */
const SYSTEM_FOLDERS = new Set(['__MACOSX', '@eaDir', '#recycle', '$RECYCLE.BIN', 'System Volume Information']);

/** Whether a file is hidden, or lies in a hidden folder or one of the system's: none of the user's images do. */
export const isHidden = (name: string): boolean =>
  name.split('/').some((part) => (part.startsWith('.') && part !== '.') || SYSTEM_FOLDERS.has(part));

/** What a file's name says of it: `unnamed` where it says nothing. */
export type NamedKind = 'image' | 'unreadable' | 'other' | 'unnamed';

export function kindByName(name: string): NamedKind {
  const extension = extensionOf(name);
  if (READABLE.has(extension)) return 'image';
  if (UNREADABLE.has(extension)) return 'unreadable';
  return OTHER.has(extension) ? 'other' : 'unnamed';
}

/** As many bytes of a file as `kindByContent` looks at. */
export const HEAD_BYTES = 64;

/** Signatures over a file's first bytes as Latin-1. */
const IMAGES: readonly RegExp[] = [
  /^\xff\xd8\xff/, // JPEG
  /^\x89PNG\r\n\x1a\n/,
  /^GIF8[79]a/,
  /^RIFF[^]{4}WEBP/,
  /^(II[*+]\0|MM\0[*+])/, // TIFF and BigTIFF
  /^[^]{4}ftypavi[fs]/,
  /^BM[^]{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0/, // BMP, with the size of one of its headers
  /^P[1-6](\s+|\s*#[^\n]*\n\s*)\d/,
];
const OTHER_IMAGES: readonly RegExp[] = [
  /^[^]{4}ftyp(hei[cfmsx]|hev[cmx]|mif1|msf1)/,
  /^(\xff\x0a|\0\0\0\x0cJXL )/,
  /^(\xff\x4f\xff\x51|\0\0\0\x0cjP  )/, // JPEG 2000
  /^8BPS/,
  /^v\/1\x01/, // OpenEXR
];

/** What a file's first bytes say of it. */
export function kindByContent(head: Uint8Array): 'image' | 'unreadable' | 'other' {
  const text = Buffer.from(head.subarray(0, HEAD_BYTES)).toString('latin1');
  if (IMAGES.some((signature) => signature.test(text))) return 'image';
  return OTHER_IMAGES.some((signature) => signature.test(text)) ? 'unreadable' : 'other';
}

/** What to say of a kind of image that cannot be decoded. */
export const unreadable = (set: string, name: string): DataError =>
  new DataError(
    'unsupported-image',
    `${set}: ${name}: ${kindByName(name) === 'unreadable' ? `.${extensionOf(name)} files` : 'images of this kind'} cannot be decoded; convert them to PNG (readable: ${[...READABLE].join(', ')})`,
    { file: name },
  );
