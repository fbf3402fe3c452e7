import { DataError } from '../errors.ts';
import type { RgbImage } from '../images/image.ts';
import { resample } from '../images/resample.ts';

/** Where a square is cut from a resized picture, as shares of the room on either axis; null for its middle. */
export type CropPlace = readonly [x: number, y: number] | null;

/**
 * The size of a picture once its shorter side is `side`, as torchvision's `Resize(side)` has it: the longer side is cut off, not rounded.
 */
export function resizedSize({ width, height }: Pick<RgbImage, 'width' | 'height'>, side: number): { width: number; height: number } {
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  const longer = Math.trunc((side * long) / short);
  return width <= height ? { width: side, height: longer } : { width: longer, height: side };
}

/** Python's `round`: halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  return value - down === 0.5 ? down + (down % 2) : Math.round(value);
}

/**
 * A square of a picture, as diffusers' examples/controlnet/train_controlnet.py prepares pictures and conditions: torchvision's
 * `Resize(side, BILINEAR)` on a picture of Pillow's (13), with antialiasing, and `CenterCrop(side)`; bit for bit.
 * @throws DataError invalid-shape where the longer side would be beyond 65535
 */
export function prepareSquare(image: RgbImage, side: number, place: CropPlace = null): RgbImage {
  const size = resizedSize(image, side);
  if (Math.max(size.width, size.height) > MAX_SIDE)
    throw new DataError('invalid-shape', `a picture of ${image.width} x ${image.height} is too long to be resized to ${side} pixels`, {
      ...size,
    });
  const offset = (length: number, share: number | undefined): number =>
    share === undefined ? roundHalfEven((length - side) / 2) : Math.floor(share * (length - side + 1));
  const [left, top] = [offset(size.width, place?.[0]), offset(size.height, place?.[1])];
  const rgb = resizeRgb(image, size);
  if (size.width === side && size.height === side) return { rgb, width: side, height: side };
  const square = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    const from = ((top + y) * size.width + left) * 3;
    square.set(rgb.subarray(from, from + side * 3), y * side * 3);
  }
  return { rgb: square, width: side, height: side };
}

/** Pillow 13 resizes columns first where the height shrinks by more than twice what the width does: bytes are rounded in between. */
function resizeRgb({ rgb, width, height }: RgbImage, to: { width: number; height: number }): Uint8Array {
  if (height - to.height <= Math.max(0, (width - to.width) * 2)) return resample(rgb, { width, height }, to, 'bilinear');
  const between = { width, height: to.height };
  return resample(resample(rgb, { width, height }, between, 'bilinear'), between, to, 'bilinear');
}

/** JPEG's limit. */
const MAX_SIDE = 65_535;
