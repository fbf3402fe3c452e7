/** An 8-bit RGB image, `rgb`: [H, W, 3] row by row. */
export interface RgbImage {
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
}
