import { those, type OpenedImage } from './opened-image.ts';
import { Reader } from './reader.ts';

const [SPACE, NEWLINE, COMMENT, ZERO, ONE] = [0x20, 0x0a, 0x23, 0x30, 0x31];
const isSpace = (byte: number): boolean => byte === SPACE || (byte >= 9 && byte <= 13);

/** The next number in digits, behind spaces and comments, and the byte behind it. */
function number(input: Reader): number {
  let byte = input.byte();
  while (isSpace(byte) || byte === COMMENT) {
    if (byte === COMMENT) while (byte !== NEWLINE && byte !== 13) byte = input.byte();
    byte = input.byte();
  }
  let value = 0;
  for (let digits = 0; ; digits++) {
    if (byte < ZERO || byte > ZERO + 9 || digits > 9) throw new Error('a number is expected');
    value = value * 10 + byte - ZERO;
    if (input.at === input.bytes.length) throw new Error('it may be cut short within its last number; a line break ends a whole file');
    byte = input.byte();
    if (isSpace(byte)) return value;
    if (byte === COMMENT) {
      input.at--;
      return value;
    }
  }
}

/** One bit in a text, where spaces between bits are left to the writer. */
function bit(input: Reader): number {
  let byte = input.byte();
  while (isSpace(byte)) byte = input.byte();
  if (byte !== ZERO && byte !== ONE) throw new Error('a bit is expected');
  return byte - ZERO;
}

/**
 * A portable bitmap, greymap or pixmap (P1 to P6). Values of another range than 0 to 255 are brought to it as Pillow does; of grey with 16
 * bits the upper 8 are taken. Source: netpbm's pbm, pgm and ppm; Pillow's `PpmImagePlugin.py`.
 * @throws Error for what is damaged or cut short
 */
export function openPnm(bytes: Uint8Array): OpenedImage {
  const input = new Reader(bytes);
  const kind = input.take(2)[1]! - ZERO;
  const [text, depth] = [kind <= 3, ((kind - 1) % 3) as 0 | 1 | 2];
  const [width, height] = [number(input), number(input)];
  const largest = depth === 0 ? 1 : number(input);
  if (width * height === 0 || largest < 1 || largest > 65535) throw new Error(`it is ${width} x ${height} pixels of up to ${largest}`);
  const channels = depth === 2 ? 3 : 1;
  return {
    width,
    height,
    channels,
    orientation: 1,
    decode() {
      if (text && bytes.length - input.at < width * height * channels) throw new Error(`it ends at byte ${bytes.length}`);
      const values = depth === 0 ? bits(input, text, width, height) : samples(input, text, width * height * channels, largest, depth === 1);
      return { data: values, channels, conversions: those({ grey: channels === 1, 'deep-colour': largest > 255 }) };
    },
  };
}

/** Of a bitmap: a bit that is set is black. */
function bits(input: Reader, text: boolean, width: number, height: number): Uint8Array {
  const result = new Uint8Array(width * height);
  const stride = Math.ceil(width / 8);
  const packed = text ? null : input.take(stride * height);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const set = packed === null ? bit(input) : (packed[y * stride + (x >> 3)]! >> (7 - (x & 7))) & 1;
      result[to++] = set === 1 ? 0 : 255;
    }
  return result;
}

/** A half goes to the even neighbour, as in Python. */
function rounded(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

function samples(input: Reader, text: boolean, count: number, largest: number, grey: boolean): Uint8Array {
  const wide = largest > 255;
  const to8 = Uint8Array.from({ length: largest + 1 }, (_, value) =>
    wide && grey ? rounded((value / largest) * 65535) >> 8 : Math.min(255, rounded((value / largest) * 255)),
  );
  const packed = text ? null : input.take(count * (wide ? 2 : 1));
  const result = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const value = packed === null ? number(input) : wide ? (packed[2 * i]! << 8) | packed[2 * i + 1]! : packed[i]!;
    if (value > largest && text) throw new Error(`a value of ${value}, the largest is ${largest}`);
    result[i] = to8[Math.min(value, largest)]!;
  }
  return result;
}
