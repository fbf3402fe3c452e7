import { DataError } from '../../errors.ts';
import type { ByteSource } from './byte-source.ts';

/** A file, link or folder in a tar. */
export interface TarMember {
  readonly name: string;
  readonly kind: 'file' | 'hard link' | 'symbolic link' | 'sparse file' | 'other';
  /** Where a link leads to, as it stands in the archive. */
  readonly link: string;
  readonly size: number;
  /** Of its first byte. */
  readonly offset: number;
}

const BLOCK = 512;
const CHUNK = 1 << 16;
/** Most bytes of a name, or of the attributes of a file: POSIX systems take paths of 4096. */
const MAX_ATTRIBUTES = 1 << 20;

/** Offsets and lengths of a header's fields: POSIX's ustar. */
const FIELDS = {
  name: [0, 100],
  size: [124, 12],
  sum: [148, 8],
  type: [156, 1],
  link: [157, 100],
  magic: [257, 6],
  prefix: [345, 155],
} as const;

/** What a header says of the next one: GNU's long names, and the attributes of pax. */
interface Attributes {
  path?: string;
  linkpath?: string;
  size?: string;
  sparse?: boolean;
}

/**
 * The members of a tar (ustar, pax or GNU), in their order. At each, the source stands at its first byte; reading it is up to the caller.
 * @throws DataError invalid-archive for what is damaged, cut short, goes on behind its end, or is no tar
 */
export async function* tarMembers(file: string, source: ByteSource): AsyncGenerator<TarMember> {
  const damaged = (why: string): DataError =>
    new DataError('invalid-archive', `${file} is damaged, cut short or no tar archive: ${why}`, { file });
  let common: Attributes = {};
  let next: Attributes = {};
  for (;;) {
    const at = source.position;
    const head = await source.read(BLOCK);
    if (head.length < BLOCK) throw cutShort(file, at + head.length);
    if (head.every((byte) => byte === 0)) return await checkEnd(file, at, source);
    if (!sumFits(head)) throw damaged(`byte ${at} begins no file of a tar`);
    const size = next.size === undefined && common.size === undefined ? sizeOf(head) : Number(next.size ?? common.size);
    if (size === null || !Number.isSafeInteger(size) || size < 0) throw damaged(`the file at byte ${at} has no size`);
    const type = textOf(head, 'type') || '0';
    const bytes = 'LKxgX'.includes(type) || !'123456'.includes(type) ? size : 0;
    const end = source.position + Math.ceil(bytes / BLOCK) * BLOCK;
    if ('LKxgX'.includes(type)) {
      if (size > MAX_ATTRIBUTES) throw new DataError('archive-limit', `${file}: ${size} bytes of attributes at byte ${at}`, { file, size });
      const attributes = attributesOf(type, await source.read(size), () => damaged(`attributes at byte ${at} cannot be read`));
      if (type === 'g') common = { ...common, ...attributes };
      else next = { ...next, ...attributes };
    } else {
      const { path = nameOf(head), linkpath = textOf(head, 'link'), sparse = type === 'S' } = { ...common, ...next };
      next = {};
      const kind = path.endsWith('/') ? 'other' : sparse ? 'sparse file' : kindOf(type);
      yield { name: path, kind, link: linkpath, size: bytes, offset: source.position };
    }
    if (source.position < end) await source.skip(end - source.position);
  }
}

const cutShort = (file: string, length: number): DataError =>
  new DataError('invalid-archive', `${file} is cut short: it ends at byte ${length} without all of the zeros that end a tar`, {
    file,
    length,
  });

/** That nothing but whole blocks of zeros follows: what is behind the end would be lost. */
async function checkEnd(file: string, end: number, source: ByteSource): Promise<void> {
  for (;;) {
    const from = source.position;
    const rest = await source.read(CHUNK);
    if (rest.length === 0 && from % BLOCK !== 0) throw cutShort(file, from);
    if (rest.length === 0) return;
    const found = rest.findIndex((byte) => byte !== 0);
    if (found >= 0)
      throw new DataError(
        'invalid-archive',
        `${file} ends at byte ${end}, but something follows at byte ${from + found}: it is damaged, or several archives were put together`,
        { file, end, next: from + found },
      );
  }
}

function kindOf(type: string): TarMember['kind'] {
  if (type === '1') return 'hard link';
  if (type === '2') return 'symbolic link';
  // Types that POSIX leaves to implementations are files to everybody else; D, M, N and V are GNU's lists, parts and labels.
  return '3456DMNV'.includes(type) ? 'other' : 'file';
}

function fieldOf(head: Buffer, field: keyof typeof FIELDS): Buffer {
  const [at, length] = FIELDS[field];
  return head.subarray(at, at + length);
}

/** A field up to its first zero. */
function textOf(head: Buffer, field: keyof typeof FIELDS): string {
  const bytes = fieldOf(head, field);
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end < 0 ? undefined : end).toString('utf8');
}

/** GNU keeps times where ustar keeps the front of long names. */
function nameOf(head: Buffer): string {
  const prefix = fieldOf(head, 'magic').toString('latin1') === 'ustar\0' ? textOf(head, 'prefix') : '';
  return prefix === '' ? textOf(head, 'name') : `${prefix}/${textOf(head, 'name')}`;
}

/** In octal digits, or, with the upper bit set, in bytes; null where it is neither. */
function sizeOf(head: Buffer): number | null {
  const field = fieldOf(head, 'size');
  if (field[0]! & 0x80) return field.subarray(field.length - 6).readUIntBE(0, 6);
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trim();
  return /^[0-7]*$/.test(digits) ? parseInt(digits || '0', 8) : null;
}

/** The sum of a header's bytes, its own field as spaces; some old programs summed signed bytes. */
function sumFits(head: Buffer): boolean {
  const stated = parseInt(
    fieldOf(head, 'sum')
      .toString('latin1')
      .replace(/[\0 ]+$/, '')
      .trim(),
    8,
  );
  const [at, length] = FIELDS.sum;
  let [unsigned, signed] = [length * 0x20, length * 0x20];
  for (let i = 0; i < BLOCK; i++) {
    if (i >= at && i < at + length) continue;
    unsigned += head[i]!;
    signed += head.readInt8(i);
  }
  return stated === unsigned || stated === signed;
}

function attributesOf(type: string, bytes: Buffer, damaged: () => DataError): Attributes {
  if (type === 'L' || type === 'K') {
    const text = bytes.toString('utf8').replace(/\0.*$/s, '');
    return type === 'L' ? { path: text } : { linkpath: text };
  }
  // "LENGTH KEY=VALUE\n", one after the other.
  const result: Attributes = {};
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.subarray(at, Math.max(at, space)).toString('latin1'));
    const record = bytes.subarray(space + 1, at + length);
    const equals = record.indexOf(0x3d);
    if (space < 0 || !(length > space - at + 1) || at + length > bytes.length || equals < 0 || record.at(-1) !== 0x0a) throw damaged();
    const key = record.subarray(0, equals).toString('utf8');
    const value = record.subarray(equals + 1, -1).toString('utf8');
    if (key === 'path' || key === 'linkpath' || key === 'size') result[key] = value;
    if (key.startsWith('GNU.sparse.')) result.sparse = true;
    at += length;
  }
  return result;
}
