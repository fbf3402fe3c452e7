import { DataError } from '../errors.ts';

/** Working memory for images of one size. */
export interface CannyScratch {
  readonly magnitude: Int32Array;
  readonly direction: Uint8Array;
  readonly stack: Int32Array;
  /** One row of the vertically smoothed image and of its vertical steps, with a replicated pixel at either end. */
  readonly smoothed: Int32Array;
  readonly stepped: Int32Array;
}

export function allocateCanny(width: number, height: number): CannyScratch {
  const pixels = width * height;
  return {
    magnitude: new Int32Array(pixels),
    direction: new Uint8Array(pixels),
    stack: new Int32Array(pixels),
    smoothed: new Int32Array((width + 2) * 3),
    stepped: new Int32Array((width + 2) * 3),
  };
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
 * Colour Canny edges, 0 or 255, of an interleaved RGB image [height, width, 3]: bit for bit OpenCV's `Canny(image, 100, 200)` (aperture 3,
 * L1 norm, no blur). The gradient of a pixel is that of its channel with the strongest one; on a grey image, objects as bright as their
 * background would have no outline.
 *
 * Throws `invalid-argument` where the arrays do not fit the size.
 */
export function canny(rgb8: Uint8Array, width: number, height: number, options: CannyOptions = {}): Uint8Array {
  const { low = 100, high = 200, out = new Uint8Array(width * height), scratch = allocateCanny(width, height) } = options;
  const pixels = width * height;
  if (
    rgb8.length !== pixels * 3 ||
    out.length !== pixels ||
    scratch.stack.length !== pixels ||
    scratch.smoothed.length !== (width + 2) * 3
  ) {
    throw new DataError(
      'invalid-argument',
      `canny of ${width}x${height} pixels got ${rgb8.length} image, ${out.length} edge and ${scratch.stack.length} scratch values.`,
      {
        width,
        height,
        image: rgb8.length,
        out: out.length,
        scratch: scratch.stack.length,
      },
    );
  }
  gradients(rgb8, width, height, low, scratch);
  const strong = suppress(width, height, low, high, scratch, out);
  grow(width, height, strong, scratch, out);
  for (let p = 0; p < pixels; p++) if (out[p] === WEAK) out[p] = 0;
  return out;
}

/**
 * Sobel gradients with replicated borders: the L1 magnitude of each pixel's strongest channel, and its direction in four sectors.
 * Separable: the vertical halves of both kernels are taken once for a row, the horizontal halves from those.
 */
function gradients(
  rgb8: Uint8Array,
  width: number,
  height: number,
  low: number,
  { magnitude, direction, smoothed, stepped }: CannyScratch,
): void {
  const stride = width * 3;
  const last = stride + 3;
  for (let y = 0, p = 0; y < height; y++) {
    const row = y * stride;
    const above = y > 0 ? row - stride : row;
    const below = y < height - 1 ? row + stride : row;
    for (let i = 0; i < stride; i++) {
      const up = rgb8[above + i]!;
      const down = rgb8[below + i]!;
      smoothed[i + 3] = up + 2 * rgb8[row + i]! + down;
      stepped[i + 3] = down - up;
    }
    for (let c = 0; c < 3; c++) {
      smoothed[c] = smoothed[c + 3]!;
      stepped[c] = stepped[c + 3]!;
      smoothed[last + c] = smoothed[stride + c]!;
      stepped[last + c] = stepped[stride + c]!;
    }
    // Written out for the three channels: as a loop it takes twice as long, and this is most of the cost of a training image.
    for (let i = 3; i < last; i += 3, p++) {
      let gradientX = smoothed[i + 3]! - smoothed[i - 3]!;
      let gradientY = stepped[i - 3]! + 2 * stepped[i]! + stepped[i + 3]!;
      let strongest = Math.abs(gradientX) + Math.abs(gradientY);
      let gx = smoothed[i + 4]! - smoothed[i - 2]!;
      let gy = stepped[i - 2]! + 2 * stepped[i + 1]! + stepped[i + 4]!;
      let norm = Math.abs(gx) + Math.abs(gy);
      if (norm > strongest) {
        strongest = norm;
        gradientX = gx;
        gradientY = gy;
      }
      gx = smoothed[i + 5]! - smoothed[i - 1]!;
      gy = stepped[i - 1]! + 2 * stepped[i + 2]! + stepped[i + 5]!;
      norm = Math.abs(gx) + Math.abs(gy);
      if (norm > strongest) {
        strongest = norm;
        gradientX = gx;
        gradientY = gy;
      }
      magnitude[p] = strongest;
      // Nobody asks for the direction of what is no edge.
      if (strongest <= low) continue;
      const absX = Math.abs(gradientX);
      const absY = Math.abs(gradientY) << 15;
      const tan22 = absX * TAN_22;
      // tan(67.5 degrees) is tan(22.5 degrees) + 2.
      if (absY < tan22) direction[p] = HORIZONTAL;
      else if (absY > tan22 + (absX << 16)) direction[p] = VERTICAL;
      else direction[p] = (gradientX ^ gradientY) >= 0 ? FALLING : RISING;
    }
  }
}

/**
 * Keeps the pixels that are a maximum across their edge, marks them weak or strong, and stacks the strong ones. Returns how many it
 * stacked.
 */
function suppress(
  width: number,
  height: number,
  low: number,
  high: number,
  { magnitude, direction, stack }: CannyScratch,
  out: Uint8Array,
): number {
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
