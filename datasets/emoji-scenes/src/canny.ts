import { EmojiScenesError } from './emoji-scenes-error.ts';

/** Working memory for images of one size. */
export interface CannyScratch {
  readonly magnitude: Int32Array;
  readonly direction: Uint8Array;
  readonly stack: Int32Array;
}

export function allocateCanny(width: number, height: number): CannyScratch {
  const pixels = width * height;
  return { magnitude: new Int32Array(pixels), direction: new Uint8Array(pixels), stack: new Int32Array(pixels) };
}

export interface CannyOptions {
  /** A pixel above `low` is an edge if it is connected to one above `high`, on the scale of |gx| + |gy| of 3x3 Sobel sums. Default 100. */
  readonly low?: number;
  /** Default 200. */
  readonly high?: number;
  /** Where to write the edges, [height, width]; allocated when absent. */
  readonly out?: Uint8Array;
  /** From `allocateCanny` of the same size; allocated when absent. */
  readonly scratch?: CannyScratch;
}

const WEAK = 1;
const STRONG = 255;
const HORIZONTAL = 0;
const FALLING = 1;
const VERTICAL = 2;
const RISING = 3;
// tan(22.5 degrees) in 15-bit fixed point, as OpenCV rounds it.
const TAN_22 = 13573;

/**
 * Colour Canny edges, 0 or 255, of an interleaved RGB image [height, width, 3]: bit for bit OpenCV's `Canny(image, 100, 200)` (aperture 3, L1
 * norm, no blur). The gradient of a pixel is that of its channel with the strongest one; on a grey image, objects as bright as their background
 * would have no outline.
 *
 * Throws `invalid-argument` where the arrays do not fit the size.
 */
export function canny(rgb8: Uint8Array, width: number, height: number, options: CannyOptions = {}): Uint8Array {
  const { low = 100, high = 200, out = new Uint8Array(width * height), scratch = allocateCanny(width, height) } = options;
  const pixels = width * height;
  if (rgb8.length !== pixels * 3 || out.length !== pixels || scratch.stack.length !== pixels) {
    throw new EmojiScenesError('invalid-argument', `canny of ${width}x${height} pixels got ${rgb8.length} image, ${out.length} edge and ${scratch.stack.length} scratch values.`, {
      width,
      height,
      image: rgb8.length,
      out: out.length,
      scratch: scratch.stack.length,
    });
  }
  gradients(rgb8, width, height, scratch);
  const strong = suppress(width, height, low, high, scratch, out);
  grow(width, height, strong, scratch, out);
  for (let p = 0; p < pixels; p++) if (out[p] === WEAK) out[p] = 0;
  return out;
}

/** Sobel gradients with replicated borders: the L1 magnitude of each pixel's strongest channel, and its direction in four sectors. */
function gradients(rgb8: Uint8Array, width: number, height: number, { magnitude, direction }: CannyScratch): void {
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const above = y > 0 ? row - width : row;
    const below = y < height - 1 ? row + width : row;
    for (let x = 0; x < width; x++) {
      const left = x > 0 ? x - 1 : x;
      const right = x < width - 1 ? x + 1 : x;
      const nw = (above + left) * 3;
      const n = (above + x) * 3;
      const ne = (above + right) * 3;
      const w = (row + left) * 3;
      const e = (row + right) * 3;
      const sw = (below + left) * 3;
      const s = (below + x) * 3;
      const se = (below + right) * 3;
      let strongest = -1;
      let gradientX = 0;
      let gradientY = 0;
      for (let c = 0; c < 3; c++) {
        const falling = rgb8[se + c]! - rgb8[nw + c]!;
        const rising = rgb8[ne + c]! - rgb8[sw + c]!;
        const gx = falling + rising + 2 * (rgb8[e + c]! - rgb8[w + c]!);
        const gy = falling - rising + 2 * (rgb8[s + c]! - rgb8[n + c]!);
        const norm = (gx < 0 ? -gx : gx) + (gy < 0 ? -gy : gy);
        if (norm > strongest) {
          strongest = norm;
          gradientX = gx;
          gradientY = gy;
        }
      }
      magnitude[row + x] = strongest;
      const absX = gradientX < 0 ? -gradientX : gradientX;
      const absY = (gradientY < 0 ? -gradientY : gradientY) << 15;
      const tan22 = absX * TAN_22;
      // tan(67.5 degrees) is tan(22.5 degrees) + 2.
      if (absY < tan22) direction[row + x] = HORIZONTAL;
      else if (absY > tan22 + (absX << 16)) direction[row + x] = VERTICAL;
      else direction[row + x] = (gradientX ^ gradientY) >= 0 ? FALLING : RISING;
    }
  }
}

/** Keeps the pixels that are a maximum across their edge, marks them weak or strong, and stacks the strong ones. Returns how many it stacked. */
function suppress(width: number, height: number, low: number, high: number, { magnitude, direction, stack }: CannyScratch, out: Uint8Array): number {
  let strong = 0;
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      out[p] = 0;
      const m = magnitude[p]!;
      if (m <= low) continue;
      const sector = direction[p]!;
      const dx = sector === VERTICAL ? 0 : sector === RISING ? -1 : 1;
      const dy = sector === HORIZONTAL ? 0 : 1;
      // Beyond the border the magnitude counts as 0.
      const before = x - dx < 0 || x - dx >= width || y < dy ? 0 : magnitude[p - dy * width - dx]!;
      const after = x + dx < 0 || x + dx >= width || y + dy >= height ? 0 : magnitude[p + dy * width + dx]!;
      // Along an axis one side may tie, or a two pixel wide ridge would vanish; across a diagonal OpenCV lets neither.
      const diagonal = dx !== 0 && dy !== 0;
      if (!(m > before && (diagonal ? m > after : m >= after))) continue;
      if (m > high) {
        out[p] = STRONG;
        stack[strong++] = p;
      } else {
        out[p] = WEAK;
      }
    }
  }
  return strong;
}

/** Makes every weak pixel strong that touches a strong one, and so on. */
function grow(width: number, height: number, strong: number, { stack }: CannyScratch, out: Uint8Array): void {
  let top = strong;
  while (top > 0) {
    const p = stack[--top]!;
    const x = p % width;
    const y = (p - x) / width;
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
        const q = ny * width + nx;
        if (out[q] !== WEAK) continue;
        out[q] = STRONG;
        stack[top++] = q;
      }
    }
  }
}
