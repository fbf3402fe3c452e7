/** Tags of EXIF's image file directories. */
const SOFTWARE = 0x0131;
const DESCRIPTION = 0x010e;
const EXIF_DIRECTORY = 0x8769;
const USER_COMMENT = 0x9286;
/** How EXIF names the types of values, and a comment's encoding. */
const [ASCII, LONG, UNDEFINED] = [2, 4, 7];
const UNICODE = Buffer.from('UNICODE\0', 'latin1');
/** Byte order, the number 42, where the first directory lies. */
const HEADER = Buffer.from('MM\0*\0\0\0\x08', 'latin1');
const ENTRY = 12;

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly value: Buffer;
}

const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

const directorySize = (entries: readonly Entry[]): number => 2 + entries.length * ENTRY + 4;

/** A directory that lies at `offset`, its entries in the order of their tags, and behind it the values that do not fit into four bytes. */
function directory(entries: readonly Entry[], offset: number): Buffer {
  const head = Buffer.alloc(directorySize(entries));
  const values: Buffer[] = [];
  let at = offset + head.length;
  head.writeUInt16BE(entries.length, 0);
  entries.forEach(({ tag, type, value }, i) => {
    const place = 2 + i * ENTRY;
    head.writeUInt16BE(tag, place);
    head.writeUInt16BE(type, place + 2);
    head.writeUInt32BE(type === LONG ? 1 : value.length, place + 4);
    if (value.length <= 4) return void value.copy(head, place + 8);
    head.writeUInt32BE(at, place + 8);
    const padded = value.length % 2 === 0 ? value : Buffer.concat([value, Buffer.alloc(1)]);
    values.push(padded);
    at += padded.length;
  });
  return Buffer.concat([head, ...values]);
}

/**
 * An EXIF block (big-endian TIFF) with a user comment in UTF-16, as A1111 writes and reads it in JPEG and WebP, and a description.
 * Source: EXIF 2.3, section 4.6.
 */
export function exifBlock({ software, description, comment }: { software: string; description: string; comment: string }): Buffer {
  const text = (value: string): Buffer => Buffer.from(`${value}\0`, 'utf8');
  const own: Entry[] = [
    { tag: DESCRIPTION, type: ASCII, value: text(description) },
    { tag: SOFTWARE, type: ASCII, value: text(software) },
    { tag: EXIF_DIRECTORY, type: LONG, value: Buffer.alloc(4) },
  ];
  const first = directory(own, HEADER.length);
  // The pointer is the last entry of the first directory.
  first.writeUInt32BE(HEADER.length + first.length, directorySize(own) - 8);
  const comments = directory(
    [{ tag: USER_COMMENT, type: UNDEFINED, value: Buffer.concat([UNICODE, utf16(comment)]) }],
    HEADER.length + first.length,
  );
  return Buffer.concat([HEADER, first, comments]);
}

/** What {@link exifBlock} wrote; null for any other block. */
export function readExifBlock(block: Buffer): { software: string; description: string; comment: string } | null {
  if (!block.subarray(0, HEADER.length).equals(HEADER)) return null;
  const find = (offset: number, wanted: number): { value: Buffer; number: number } | null => {
    for (let i = 0; i < block.readUInt16BE(offset); i++) {
      const place = offset + 2 + i * ENTRY;
      if (block.readUInt16BE(place) !== wanted) continue;
      const [length, at] = [block.readUInt32BE(place + 4), block.readUInt32BE(place + 8)];
      return { value: length <= 4 ? block.subarray(place + 8, place + 8 + length) : block.subarray(at, at + length), number: at };
    }
    return null;
  };
  try {
    const pointer = find(HEADER.length, EXIF_DIRECTORY);
    const [software, description] = [find(HEADER.length, SOFTWARE), find(HEADER.length, DESCRIPTION)];
    const comment = pointer && find(pointer.number, USER_COMMENT);
    if (!software || !description || !comment?.value.subarray(0, UNICODE.length).equals(UNICODE)) return null;
    const text = ({ value }: { value: Buffer }): string => value.toString('utf8').replace(/\0$/, '');
    const utf = Buffer.from(comment.value.subarray(UNICODE.length));
    return { software: text(software), description: text(description), comment: utf.swap16().toString('utf16le') };
  } catch (error) {
    // A block of someone else that points out of itself.
    if (error instanceof RangeError) return null;
    throw error;
  }
}
