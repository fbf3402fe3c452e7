import { TextDecoder } from 'node:util';
import { DataError } from './errors.ts';

const BYTE_ORDER_MARKS = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
] as const;

/** A decoder that refuses what is no text in its encoding. @throws DataError invalid-argument for an encoding that is not known */
function decoderOf(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch {
    throw new DataError(
      'invalid-argument',
      `"${encoding}" is no encoding of texts that is known here; utf-8, utf-16le, windows-1252, shift_jis, gb18030 and euc-kr are, among others`,
      { encoding },
    );
  }
}

/** Offset of the first byte that is part of no text: by halves, since the decoder does not tell. */
function firstFault(bytes: Uint8Array, encoding: string): number {
  const isText = (length: number, stream: boolean): boolean => {
    try {
      decoderOf(encoding).decode(bytes.subarray(0, length), { stream });
      return true;
    } catch {
      return false;
    }
  };
  let [good, bad] = [0, bytes.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isText(middle, true)) good = middle;
    else bad = middle;
  }
  // What begins a letter is no fault yet; the fault is where it begins.
  while (good > 0 && !isText(good, false)) good--;
  return good;
}

/**
 * A text from outside: by its byte order mark, in the encoding that was declared for it, or in UTF-8. Nothing is guessed and nothing
 * replaced.
 * @param where names the file in messages
 * @param encoding a label of the WHATWG's encoding standard, such as `windows-1252`
 * @throws DataError invalid-text naming file, line and byte; invalid-argument for an encoding that is not known
 */
export function decodeText(bytes: Uint8Array, where: string, encoding?: string): string {
  const marked = BYTE_ORDER_MARKS.find(([, mark]) => mark.every((byte, i) => bytes[i] === byte))?.[0];
  const used = marked ?? encoding ?? 'utf-8';
  const decoder = decoderOf(used);
  const fail = (offset: number, what: string): never => {
    const line = 1 + bytes.subarray(0, offset).filter((byte) => byte === 0x0a).length;
    const advice =
      marked === undefined && encoding === undefined ? '; save it as UTF-8, or declare its encoding, such as windows-1252' : '';
    throw new DataError('invalid-text', `${where}: line ${line} is no text in ${decoder.encoding}: ${what}${advice}`, {
      where,
      line,
      offset,
      encoding: decoder.encoding,
    });
  };
  let text = '';
  try {
    text = decoder.decode(bytes);
  } catch {
    const offset = firstFault(bytes, used);
    fail(offset, `byte ${offset} is 0x${bytes[offset]!.toString(16).padStart(2, '0')}`);
  }
  // UTF-16 without a mark is valid UTF-8 with a zero after each letter.
  if (text.includes('\0')) fail(Math.max(0, bytes.indexOf(0)), 'it holds zeros, as UTF-16 does');
  return text;
}
