import { DataError } from '../errors.ts';
import type { RgbImage } from '../images/image.ts';
import { resample } from '../images/resample.ts';
import type { PictureSize } from './aspect-buckets.ts';

/** Where a part is cut from a resized picture, as shares of the room on either axis; null for its middle. */
export type CropPlace = readonly [x: number, y: number] | null;

/**
 * The size of a picture once it covers another one and no more, its own proportions kept. For a square that is its shorter side made the
 * square's, as torchvision's `Resize(side)` has it: the longer side is cut off, not rounded.
 */
export function coveringSize({ width, height }: PictureSize, to: PictureSize): PictureSize {
  return width * to.height > to.width * height
    ? { width: Math.trunc((to.height * width) / height), height: to.height }
    : { width: to.width, height: Math.trunc((to.width * height) / width) };
}

/** Python's `round`: halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  return value - down === 0.5 ? down + (down % 2) : Math.round(value);
}

/**
 * A part of a picture, resized and cut. Squares are as diffusers' examples/controlnet/train_controlnet.py prepares pictures and conditions:
 * torchvision's `Resize(side, BILINEAR)` on a picture of Pillow's (13), with antialiasing, and `CenterCrop(side)`; bit for bit.
 * @throws DataError invalid-shape where the longer side would be beyond 65535
 */
export function preparePicture(image: RgbImage, to: PictureSize, place: CropPlace = null): RgbImage {
  const size = coveringSize(image, to);
  if (Math.max(size.width, size.height) > MAX_SIDE)
    throw new DataError(
      'invalid-shape',
      `a picture of ${image.width} x ${image.height} is too long to be resized to ${Math.min(to.width, to.height)} pixels`,
      { ...size },
    );
  const { width, height } = to;
  const offset = (room: number, share: number | undefined): number =>
    share === undefined ? roundHalfEven(room / 2) : Math.floor(share * (room + 1));
  const [left, top] = [offset(size.width - width, place?.[0]), offset(size.height - height, place?.[1])];
  const rgb = resizeRgb(image, size);
  if (size.width === width && size.height === height) return { rgb, width, height };
  const part = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * size.width + left) * 3;
    part.set(rgb.subarray(from, from + width * 3), y * width * 3);
  }
  return { rgb: part, width, height };
}

/** Pillow 13 resizes columns first where the height shrinks by more than twice what the width does: bytes are rounded in between. */
function resizeRgb({ rgb, width, height }: RgbImage, to: PictureSize): Uint8Array {
  if (height - to.height <= Math.max(0, (width - to.width) * 2)) return resample(rgb, { width, height }, to, 'bilinear');
  const between = { width, height: to.height };
  return resample(resample(rgb, { width, height }, between, 'bilinear'), between, to, 'bilinear');
}

/** JPEG's limit. */
const MAX_SIDE = 65_535;
