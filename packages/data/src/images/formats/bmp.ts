import { those, type OpenedImage } from './opened-image.ts';
import { Reader } from './reader.ts';

interface Header {
  readonly width: number;
  readonly height: number;
  /** Whether rows go from the top down. */
  readonly down: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Where the pixels are. */
  readonly offset: number;
  /** RGB, for up to 8 bits. */
  readonly palette: Uint8Array;
  /** Bits of red, green and blue in 16 and 32. */
  readonly masks: readonly [number, number, number];
}

const [RAW, RLE8, RLE4, BITFIELDS] = [0, 1, 2, 3];
/** Sizes of the header that have no more fields than OS/2's first; and of those that hold masks themselves. */
const [CORE, HOLDS_MASKS] = [12, 52];
/** Microsoft's defaults: five bits each, or a byte each. */
const MASKS: Readonly<Record<number, readonly [number, number, number]>> = { 16: [0x7c00, 0x3e0, 0x1f], 32: [0xff0000, 0xff00, 0xff] };

/**
 * A Windows or OS/2 bitmap: palettes of 1, 4 and 8 bits (packed by runs too), 16 bits, 24 and 32, whose fourth byte counts for nothing,
 * as in Pillow. Source: Microsoft's "Bitmap Storage"; Pillow's `BmpImagePlugin.py`.
 * @throws Error for what is damaged, cut short, or packed as JPEG or PNG
 */
export function openBmp(bytes: Uint8Array): OpenedImage {
  const header = readHeader(bytes);
  const { width, height, bits, palette } = header;
  return {
    width,
    height,
    channels: 3,
    orientation: 1,
    decode() {
      const runs = header.compression === RLE8 || header.compression === RLE4;
      const rows = runs ? unpackRuns(bytes, header) : unpackRows(bytes, header);
      const rgb = new Uint8Array(width * height * 3);
      for (let y = 0; y < height; y++) rows(header.down ? y : height - 1 - y, rgb, y * width * 3);
      return {
        data: rgb,
        channels: 3,
        conversions: those({ grey: bits <= 8 && palette.every((value, i) => value === palette[i - (i % 3)]) }),
      };
    },
  };
}

function readHeader(bytes: Uint8Array): Header {
  const input = new Reader(bytes);
  input.take(10);
  const offset = input.long();
  const size = input.long();
  const core = size === CORE;
  if (!core && (size < 40 || size > 124)) throw new Error(`it has a header of ${size} bytes`);
  const [width, tall] = core ? [input.word(), input.word()] : [input.long(), input.long()];
  const height = Math.abs(tall);
  input.word();
  const bits = input.word();
  const compression = core ? RAW : input.long();
  if (width <= 0 || height === 0) throw new Error(`it is ${width} x ${height} pixels`);
  const [runs, fields] = [compression === RLE8 ? 8 : compression === RLE4 ? 4 : null, compression === BITFIELDS];
  const known =
    [1, 4, 8, 16, 24, 32].includes(bits) && (runs !== null ? bits === runs : fields ? bits === 16 || bits === 32 : compression === RAW);
  if (!known) throw new Error(`${bits} bits of compression ${compression} are not read`);
  if (!core) input.take(12);
  const colours = core ? 0 : input.long();
  if (!core) input.take(4);
  const masks: [number, number, number] | readonly [number, number, number] = fields
    ? [input.long() >>> 0, input.long() >>> 0, input.long() >>> 0]
    : (MASKS[bits] ?? [0, 0, 0]);
  input.at = Math.max(14 + size, fields && size < HOLDS_MASKS ? input.at : 0);
  return { width, height, down: tall < 0, bits, compression, offset, palette: readPalette(input, bits, colours, core), masks };
}

/** Blue, green, red and, but in OS/2's, a byte that counts for nothing. */
function readPalette(input: Reader, bits: number, stated: number, core: boolean): Uint8Array {
  const palette = new Uint8Array(256 * 3);
  if (bits > 8) return palette;
  const count = stated === 0 ? 1 << bits : stated;
  if (count < 0 || count > 256) throw new Error(`it has a palette of ${count} colours`);
  for (let i = 0; i < count; i++) {
    const [blue, green, red] = input.take(core ? 3 : 4);
    palette.set([red!, green!, blue!], i * 3);
  }
  return palette;
}

type Rows = (row: number, rgb: Uint8Array, to: number) => void;

function unpackRows(bytes: Uint8Array, header: Header): Rows {
  const { width, height, bits, offset, palette } = header;
  const stride = Math.ceil((width * bits) / 32) * 4;
  const data = new Reader(bytes);
  data.at = offset;
  // The last row's padding may be missing.
  const pixels = data.take(stride * (height - 1) + Math.ceil((width * bits) / 8));
  if (bits > 8) return (row, rgb, to) => direct(header, pixels.subarray(row * stride), rgb, to);
  return (row, rgb, to) => {
    for (let x = 0; x < width; x++) {
      const byte = pixels[row * stride + ((x * bits) >> 3)]!;
      const index = (byte >> (8 - bits - ((x * bits) & 7))) & ((1 << bits) - 1);
      for (let c = 0; c < 3; c++) rgb[to + x * 3 + c] = palette[index * 3 + c]!;
    }
  };
}

/** A row of 16, 24 or 32 bits a pixel. */
function direct({ width, bits, masks }: Header, row: Uint8Array, rgb: Uint8Array, to: number): void {
  const step = bits / 8;
  const shifts = masks.map((mask) => (mask === 0 ? 0 : 31 - Math.clz32(mask & -mask)));
  const largest = masks.map((mask, c) => mask >>> shifts[c]!);
  for (let x = 0; x < width; x++) {
    const at = x * step;
    if (bits === 24) {
      for (let c = 0; c < 3; c++) rgb[to + x * 3 + c] = row[at + 2 - c]!;
      continue;
    }
    const value = (row[at]! | (row[at + 1]! << 8) | (bits === 32 ? (row[at + 2]! << 16) | (row[at + 3]! << 24) : 0)) >>> 0;
    for (let c = 0; c < 3; c++)
      rgb[to + x * 3 + c] = masks[c] === 0 ? 0 : Math.floor((((value & masks[c]!) >>> shifts[c]!) * 255) / largest[c]!);
  }
}

/**
 * Runs of one pixel, pixels as they are, ends of rows and jumps; what is jumped over is the palette's first colour. An end before the last
 * pixel is a damage, as it is to Pillow.
 */
function unpackRuns(bytes: Uint8Array, { width, height, compression, offset, palette }: Header): Rows {
  const indices = new Uint8Array(width * height);
  const input = new Reader(bytes);
  input.at = offset;
  const nibbles = compression === RLE4;
  let [x, y] = [0, 0];
  const put = (index: number): void => {
    if (x < width && y < height) indices[y * width + x] = index;
    x++;
  };
  const pair = (byte: number, i: number): number => (nibbles ? (i % 2 === 0 ? byte >> 4 : byte & 15) : byte);
  while (y < height - 1 || (y === height - 1 && x < width)) {
    const [count, code] = input.take(2) as unknown as [number, number];
    if (count > 0) for (let i = 0; i < count; i++) put(pair(code, i));
    else if (code === 0) [x, y] = [0, y + 1];
    else if (code === 1) throw new Error(`it ends in row ${y} of ${height}`);
    else if (code === 2) {
      const [right, up] = input.take(2);
      [x, y] = [x + right!, y + up!];
    } else {
      const length = nibbles ? Math.ceil(code / 2) : code;
      const literal = input.take(length + (length % 2));
      for (let i = 0; i < code; i++) put(pair(literal[nibbles ? i >> 1 : i]!, i));
    }
  }
  return (row, rgb, to) => {
    for (let i = 0; i < width; i++) {
      const index = indices[row * width + i]!;
      for (let c = 0; c < 3; c++) rgb[to + i * 3 + c] = palette[index * 3 + c]!;
    }
  };
}
