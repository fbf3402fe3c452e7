import sharp from 'sharp';
import { ReportError } from '../model/report-error.ts';

/**
 * A PNG of 8-bit RGB pixels, `rgb`: [H, W, 3] row by row. The same pixels give the same bytes.
 * @throws ReportError `bad-image` if the number of bytes does not fit the size
 */
export const encodePng = (rgb: Uint8Array, width: number, height: number): Promise<Buffer> => {
  if (width < 1 || height < 1 || rgb.length !== width * height * 3) {
    throw new ReportError('bad-image', `expected ${width} x ${height} x 3 = ${width * height * 3} bytes of RGB, got ${rgb.length}`, {
      width,
      height,
      bytes: rgb.length,
    });
  }
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
};
