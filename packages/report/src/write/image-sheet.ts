import type { RgbImage } from '@controllab/data';
import { ReportError } from '../model/report-error.ts';

/**
 * Images of one size side by side in one image, `columns` to a line, left to right and top to bottom; unused places stay black.
 * One file instead of hundreds where the images are small.
 * @throws ReportError `bad-image` if the images differ in size or there is none
 */
export const imageSheet = (images: readonly RgbImage[], columns: number): RgbImage => {
  const first = images[0];
  if (first === undefined) throw new ReportError('bad-image', 'a sheet needs at least one image, got none');
  const { width, height } = first;
  const perLine = Math.min(columns, images.length);
  const sheetWidth = perLine * width;
  const sheetHeight = Math.ceil(images.length / perLine) * height;
  const rgb = new Uint8Array(sheetWidth * sheetHeight * 3);
  images.forEach((image, i) => {
    if (image.width !== width || image.height !== height || image.rgb.length !== width * height * 3) {
      throw new ReportError(
        'bad-image',
        `image ${i} of a sheet is ${image.width} x ${image.height} with ${image.rgb.length} bytes, expected ${width} x ${height} with ${width * height * 3} like the first`,
        { index: i },
      );
    }
    const left = (i % perLine) * width;
    const top = Math.floor(i / perLine) * height;
    for (let y = 0; y < height; y++) rgb.set(image.rgb.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * sheetWidth + left) * 3);
  });
  return { rgb, width: sheetWidth, height: sheetHeight };
};
