import { describe, expect, it } from 'vitest';
import { alignedDepthRmse, depthRmse, depthToBytes } from './depth.ts';
import { maskIou } from './mask-iou.ts';
import { psnr } from './psnr.ts';
import { segmentationAgreement } from './segmentation.ts';

const raster = (...data: number[]) => ({ data, width: data.length, height: 1 });

describe('psnr', () => {
  it('is 20 log10 of range over error', () => {
    expect(psnr(raster(0, 10), raster(10, 0), { range: 255 })).toBeCloseTo(20 * Math.log10(25.5), 12);
    expect(psnr(raster(1, 1), raster(1, 1), { range: 1 })).toBe(Infinity);
    expect(() => psnr(raster(1), raster(1, 2), { range: 1 })).toThrow(/one shape/);
    expect(() => psnr(raster(1), raster(1), { range: -1 })).toThrow(/range/);
  });
});

describe('depth', () => {
  it('compares bytes as ControlNet++ does', () => {
    const bytes = depthToBytes(raster(0, 1, 2.5, 5));
    expect([...bytes.data]).toEqual([0, 51, 127, 255]);
    expect(depthRmse(bytes, raster(0, 51, 131, 252))).toBe(2.5); // sqrt((4^2 + 3^2) / 4)
  });

  it('refuses depths that have no scale', () => {
    expect(() => depthToBytes(raster(0, 0))).toThrow(/every depth is 0/);
    expect(() => depthToBytes(raster(1, -1))).toThrow(/got -1 at pixel 1/);
    expect(() => depthToBytes(raster())).toThrow(/empty/);
    expect(() => depthRmse({ data: [1, 2, 3, 1, 2, 3], width: 2, height: 1 }, { data: [1, 2, 3, 1, 2, 3], width: 2, height: 1 })).toThrow(
      /one channel, got 3/,
    );
  });

  it('forgives scale and shift by least squares', () => {
    expect(alignedDepthRmse(raster(1, 2, 4), raster(5, 7, 11))).toEqual({
      rmse: expect.closeTo(0, 12) as number,
      scale: expect.closeTo(2, 12) as number,
      shift: expect.closeTo(3, 12) as number,
    });
    // the line through (0, 0), (1, 1), (2, 0) is flat at 1/3; residuals 1/3, 2/3, 1/3
    const { rmse, scale } = alignedDepthRmse(raster(0, 1, 2), raster(0, 1, 0));
    expect(rmse).toBeCloseTo(Math.sqrt(2 / 9), 12);
    expect(scale).toBeCloseTo(0, 12);
    expect(alignedDepthRmse(raster(7, 7), raster(1, 3))).toEqual({ rmse: 1, scale: 0, shift: 2 });
    expect(() => alignedDepthRmse(raster(Infinity, 1), raster(1, 1))).toThrow(/sample 0 is Infinity/);
  });
});

describe('maskIou', () => {
  it('divides the intersection by the union', () => {
    expect(maskIou(raster(1, 1, 0, 0), raster(0, 255, 255, 0))).toBe(1 / 3);
    expect(maskIou(raster(0, 0), raster(0, 0))).toBe(1);
    expect(maskIou(raster(0, 1), raster(0, 0))).toBe(0);
    expect(() => maskIou(raster(), raster())).toThrow(/empty/);
  });
});

describe('segmentationAgreement', () => {
  // Image 0: class 0 IoU 2/3, class 1 IoU 1/2. Image 1: class 0 0/1, class 2 1/2; its last pixel is ignored.
  const images = [
    { target: raster(0, 0, 1, 1), predicted: raster(0, 0, 0, 1) },
    { target: raster(2, 2, 255), predicted: raster(2, 0, 1) },
  ];

  it('keeps the mean over the data set and the mean over images apart', () => {
    const got = segmentationAgreement(images, { classes: 4, ignore: 255 });
    // over both: class 0 shown or predicted at 2 + 1 + 1 pixels, 2 of them right
    expect(got.iouByClass).toEqual([2 / 4, 1 / 2, 1 / 2, null]);
    expect(got.datasetMiou).toBeCloseTo(0.5, 12);
    expect(got.perImage).toEqual([expect.closeTo(7 / 12, 12), expect.closeTo(1 / 4, 12)]);
    expect(got.imageMiou.mean).toBeCloseTo(5 / 12, 12);
    expect(got.imageMiou.sd).toBeCloseTo(Math.SQRT2 / 6, 12);
  });

  it('has no deviation of one image and no IoU of one without pixels that count', () => {
    expect(segmentationAgreement([images[0]!], { classes: 2 }).imageMiou.sd).toBeNull();
    expect(
      segmentationAgreement([images[0]!, { target: raster(255), predicted: raster(0) }], { classes: 2, ignore: 255 }).perImage[1],
    ).toBeNull();
  });

  it('refuses labels that are no class, other sizes and no images', () => {
    expect(() => segmentationAgreement(images, { classes: 3 })).toThrow(
      /image 1: expected labels from 0 to 2, got target 255 and predicted 1 at pixel 2/,
    );
    expect(() => segmentationAgreement([{ target: raster(0.5), predicted: raster(0) }], { classes: 2 })).toThrow(/got target 0.5/);
    expect(() => segmentationAgreement([{ target: raster(0, 1), predicted: raster(0) }], { classes: 2 })).toThrow(
      /image 0: expected two images of one shape/,
    );
    expect(() => segmentationAgreement([], { classes: 2 })).toThrow(/at least one image/);
    expect(() => segmentationAgreement([{ target: raster(9), predicted: raster(0) }], { classes: 2, ignore: 9 })).toThrow(
      /none of 1 images has a pixel that counts/,
    );
    expect(() => segmentationAgreement(images, { classes: 0 })).toThrow(/number of classes/);
  });
});
