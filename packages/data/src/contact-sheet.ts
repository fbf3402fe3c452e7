import { extensionOf } from './image-sources/names.ts';

/** Keyword of the text in a PNG that says that it is a contact sheet of other pictures in its folder, and none of them. */
export const CONTACT_SHEET = 'controllab contact sheet';

/** As many bytes of a file as `isContactSheet` looks at: texts are written in front of the pixels. */
export const SHEET_HEAD_BYTES = 1024;

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const MARK = Buffer.from(`tEXt${CONTACT_SHEET}\0`, 'latin1');

/** Whether a file may be a contact sheet by its name: they are written as .png, so that nobody need look into others. */
export const maybeContactSheet = (name: string): boolean => extensionOf(name) === 'png';

/**
 * Whether a picture is a contact sheet that was written here. The mark alone says so: a user's own file may have a sheet's name.
 * @param head the file's first bytes, as many as it has of `SHEET_HEAD_BYTES`
 */
export function isContactSheet(head: Uint8Array): boolean {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  if (!bytes.subarray(0, PNG.length).equals(PNG)) return false;
  // Chunks: a length, a type, data and a checksum (PNG specification, section 5.3).
  for (let at = PNG.length; at + 8 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    if (bytes.subarray(at + 4, at + 4 + MARK.length).equals(MARK)) return true;
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') return false;
  }
  return false;
}
