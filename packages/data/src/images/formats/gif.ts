import { Reader } from './reader.ts';
import { those, type OpenedImage } from './opened-image.ts';

/** A picture whose pixels are places in a palette. */
interface Indexed {
  readonly indices: Uint8Array;
  readonly width: number;
  readonly height: number;
}

const [EXTENSION, IMAGE, END] = [0x21, 0x2c, 0x3b];
const CONTROL = 0xf9;
/** Codes have up to 12 bits. */
const [MAX_BITS, MAX_CODES] = [12, 4096];
const NO_CODE = -1;

/** The blocks of some data, up to the empty one that ends them. */
function* blocks(input: Reader): Generator<Uint8Array> {
  for (let size = input.byte(); size > 0; size = input.byte()) yield input.take(size);
}

/**
 * The first frame of a GIF as Pillow gives it: transparent pixels, and those outside of the frame, have the colour of their place in the
 * palette (the first where nothing is transparent). A frame beyond the picture's edge makes the picture larger.
 * Source: GIF89a's specification; Pillow's `GifImagePlugin.py`.
 * @throws Error for what is damaged or cut short
 */
export function openGif(bytes: Uint8Array): OpenedImage {
  const input = new Reader(bytes);
  input.take(6);
  const [screenWidth, screenHeight] = [input.word(), input.word()];
  const [flags] = input.take(3);
  const common = paletteOf(input, flags!);
  const transparent = toFirstFrame(input);
  const [left, top, frameWidth, frameHeight] = [input.word(), input.word(), input.word(), input.word()];
  const frameFlags = input.byte();
  const palette = paletteOf(input, frameFlags) ?? common;
  if (frameWidth * frameHeight === 0) throw new Error('its first frame has no pixels');
  const [width, height] = [Math.max(screenWidth, left + frameWidth), Math.max(screenHeight, top + frameHeight)];
  return {
    width,
    height,
    channels: transparent === null ? 3 : 4,
    orientation: 1,
    decode() {
      // The frame first: one that is cut short costs nothing.
      const frame = { indices: unpacked(input, frameWidth * frameHeight), width: frameWidth, height: frameHeight };
      const canvas = { indices: new Uint8Array(width * height).fill(transparent ?? 0), width, height };
      place(frame, canvas, left, top, (frameFlags & 0x40) !== 0);
      const alpha = transparent !== null && canvas.indices.includes(transparent);
      return {
        data: coloured(canvas.indices, palette, alpha ? transparent : null),
        channels: alpha ? 4 : 3,
        conversions: those({ alpha, grey: palette === null, frames: furtherFrames(input) > 0 }),
      };
    },
  };
}

/** The palette that flags say there is, filled up to 256 colours; null where there is none, or one of greys in their order. */
function paletteOf(input: Reader, flags: number): Uint8Array | null {
  if ((flags & 0x80) === 0) return null;
  const colours = input.take(3 << ((flags & 7) + 1));
  // Pillow takes such a palette for none: a frame's own for the common one, a common one for grey.
  if (colours.every((value, i) => value === Math.floor(i / 3))) return null;
  const palette = new Uint8Array(256 * 3);
  palette.set(colours);
  return palette;
}

/** Goes to the first frame's place and size; gives the place in the palette that is transparent in it. */
function toFirstFrame(input: Reader): number | null {
  let transparent: number | null = null;
  for (;;) {
    const kind = input.byte();
    if (kind === IMAGE) return transparent;
    if (kind === END) throw new Error('it holds no frame');
    // Anything else between blocks is passed over, as Pillow does.
    if (kind !== EXTENSION) continue;
    const label = input.byte();
    for (const block of blocks(input)) if (label === CONTROL && block.length >= 4 && block[0]! & 1) transparent = block[3]!;
  }
}

/** How many frames follow: that the file ends before its end is no matter here. */
function furtherFrames(input: Reader): number {
  let count = 0;
  try {
    for (const block of blocks(input)) void block;
    for (let kind = input.byte(); kind !== END; kind = input.byte()) {
      if (kind === EXTENSION) input.byte();
      else if (kind === IMAGE) {
        count++;
        paletteOf(input, input.take(9)[8]!);
        input.byte();
      } else continue;
      for (const block of blocks(input)) void block;
    }
  } catch {
    return count;
  }
  return count;
}

/** LZW's table: a code stands for the letters of its prefix and one more. */
class Codes {
  readonly clear: number;
  readonly #smallest: number;
  readonly #prefix = new Int16Array(MAX_CODES);
  readonly #last = new Uint8Array(MAX_CODES);
  readonly #first = new Uint8Array(MAX_CODES);
  readonly #length = new Uint16Array(MAX_CODES);
  #next = 0;
  #before = NO_CODE;
  /** Of the next code. */
  bits = 0;

  constructor(smallest: number) {
    this.#smallest = smallest;
    this.clear = 1 << smallest;
    for (let code = 0; code < this.clear; code++) {
      [this.#last[code], this.#first[code], this.#length[code]] = [code, code, 1];
    }
    this.reset();
  }

  reset(): void {
    [this.bits, this.#next, this.#before] = [this.#smallest + 1, this.clear + 2, NO_CODE];
  }

  /** Writes what a code stands for, as far as there is room; gives its length. @throws Error for a code that there cannot be */
  write(code: number, output: Uint8Array, to: number): number {
    const before = this.#before;
    if (before === NO_CODE ? code >= this.clear : code > this.#next || (code === this.#next && code === MAX_CODES))
      throw new Error(`code ${code} is not known yet`);
    if (before !== NO_CODE && this.#next < MAX_CODES) {
      // What came before and the first letter of this code, which may be the very one that is made here.
      const next = this.#next++;
      [this.#prefix[next], this.#length[next], this.#first[next]] = [before, this.#length[before]! + 1, this.#first[before]!];
      this.#last[next] = this.#first[code]!;
      if (this.#next === 1 << this.bits && this.bits < MAX_BITS) this.bits++;
    }
    this.#before = code;
    const length = this.#length[code]!;
    for (let at = code, i = to + length - 1; i >= to; i--, at = this.#prefix[at]!) if (i < output.length) output[i] = this.#last[at]!;
    return length;
  }
}

/** `count` places in the palette. @throws Error for codes that there cannot be, and too few of them */
function unpacked(input: Reader, count: number): Uint8Array {
  const smallest = input.byte();
  if (smallest < 1 || smallest > 8) throw new Error(`its codes have ${smallest} bits`);
  const codes = new Codes(smallest);
  const output = new Uint8Array(count);
  let [written, held, heldBits] = [0, 0, 0];
  for (const block of blocks(input)) {
    for (const byte of block) {
      held |= byte << heldBits;
      heldBits += 8;
      while (heldBits >= codes.bits && written < count) {
        const { bits } = codes;
        const code = held & ((1 << bits) - 1);
        held >>>= bits;
        heldBits -= bits;
        if (code === codes.clear) codes.reset();
        else if (code === codes.clear + 1) throw new Error(`it has ${written} of ${count} pixels`);
        else written += codes.write(code, output, written);
      }
    }
    if (written >= count) return output;
  }
  throw new Error(`it has ${written} of ${count} pixels`);
}

/** First rows of the four passes of an interlaced frame, and how far its rows lie apart. */
const PASSES = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

function place(frame: Indexed, canvas: Indexed, left: number, top: number, interlaced: boolean): void {
  let row = 0;
  const put = (y: number): void => {
    canvas.indices.set(frame.indices.subarray(row * frame.width, ++row * frame.width), (top + y) * canvas.width + left);
  };
  if (!interlaced) for (let y = 0; y < frame.height; y++) put(y);
  else for (const [first, step] of PASSES) for (let y = first; y < frame.height; y += step) put(y);
}

/** The colours of places in a palette, their brightness where there is none; with an alpha where one of them is transparent. */
function coloured(indices: Uint8Array, palette: Uint8Array | null, transparent: number | null): Uint8Array {
  const channels = transparent === null ? 3 : 4;
  const result = new Uint8Array(indices.length * channels);
  for (let i = 0, to = 0; i < indices.length; i++) {
    const index = indices[i]!;
    for (let c = 0; c < 3; c++) result[to++] = palette === null ? index : palette[index * 3 + c]!;
    if (transparent !== null) result[to++] = index === transparent ? 0 : 255;
  }
  return result;
}
