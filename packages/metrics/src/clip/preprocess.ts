import { resample, type RgbImage } from '@controllab/data';
import type { Preprocess } from '../features/feature-extractor.ts';

/** Mean and standard deviation of the channels, on [0, 1], of the images that OpenAI's CLIP was trained on. */
const MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
const STD = [0.26862954, 0.26130258, 0.27577711] as const;

/**
 * CLIP's input from an 8-bit image of any size: short side to `size` with Pillow's bicubic, the middle square, channels normalised.
 * Source: openai/CLIP `_transform` (torchvision's Resize and CenterCrop). transformers' CLIPImageProcessor differs where an odd number of
 * pixels is cropped, by one pixel.
 */
export function clipPreprocess(size: number): Preprocess {
  return { name: `clip-${size}`, size, crops: true, apply: (image) => normalized(middle(shortSideTo(image, size), size), size) };
}

function shortSideTo(image: RgbImage, size: number): RgbImage {
  const { width, height, rgb } = image;
  const short = Math.min(width, height);
  const other = (side: number) => (side === short ? size : Math.floor((size * side) / short));
  const to = { width: other(width), height: other(height) };
  return { rgb: resample(rgb, image, to, 'bicubic'), ...to };
}

/** Python's rounding of half a number of pixels: to the even neighbour. */
const half = (n: number): number => (n % 4 === 3 ? (n + 1) / 2 : Math.floor(n / 2));

/** The square in the middle. */
function middle({ rgb, width, height }: RgbImage, size: number): Uint8Array {
  const [left, top] = [half(width - size), half(height - size)];
  const square = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    const from = ((top + y) * width + left) * 3;
    square.set(rgb.subarray(from, from + size * 3), y * size * 3);
  }
  return square;
}

/** `[S, S, 3]` bytes to `[3, S, S]`. */
function normalized(square: Uint8Array, size: number): Float32Array {
  const plane = size * size;
  const result = new Float32Array(3 * plane);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < plane; i++) result[c * plane + i] = (square[3 * i + c]! / 255 - MEAN[c]!) / STD[c]!;
  }
  return result;
}
