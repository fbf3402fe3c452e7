import { MetricsError } from '../errors.ts';
import { checkMaps, type Raster } from './check.ts';

/** A segmentation's class at every pixel, [H, W], and the classes that were asked for. */
export interface LabelMaps {
  predicted: Raster;
  target: Raster;
}

export interface SegmentationOptions {
  /** Number of classes; labels are 0 to classes - 1. */
  classes: number;
  /** Target label of pixels that don't count (255 in ADE20K). */
  ignore?: number;
}

export interface SegmentationAgreement {
  /** Mean over the classes of the IoU over the whole data set: mIoU as segmentation papers and ControlNet++ report it. */
  datasetMiou: number;
  /** IoU over the whole data set by class, null for a class that neither side ever shows. */
  iouByClass: (number | null)[];
  /**
   * Mean over the images of each image's mean IoU (over the classes that either side shows in it), and its standard deviation (n - 1; null
   * for one image).
   */
  imageMiou: { mean: number; sd: number | null };
  /** Each image's mean IoU, in the order given; null for an image of ignored pixels only. */
  perImage: (number | null)[];
}

/**
 * How well the segmentation of generated images agrees with the label maps they were conditioned on. The two means differ: a class that is
 * rare over the data set weighs as much as a frequent one in the first, a small object as much as a large one in the second.
 * @throws MetricsError empty-input without images or without a counted pixel, invalid-shape, invalid-option for labels that are no class
 */
export function segmentationAgreement(images: Iterable<LabelMaps>, options: SegmentationOptions): SegmentationAgreement {
  const counts = new SegmentationCounts(options);
  for (const maps of images) counts.add(maps);
  return counts.finish();
}

/** {@link segmentationAgreement} of images that come one after the other. */
export class SegmentationCounts {
  readonly #classes: number;
  readonly #ignore: number | undefined;
  /** Confusion matrix [target, predicted] over all images. */
  readonly #total: Float64Array;
  readonly #perImage: (number | null)[] = [];

  constructor({ classes, ignore }: SegmentationOptions) {
    if (!Number.isSafeInteger(classes) || classes < 1)
      throw new MetricsError('invalid-option', `Error in segmentationAgreement: expected a number of classes, got ${classes}`, { classes });
    this.#classes = classes;
    this.#ignore = ignore;
    this.#total = new Float64Array(classes * classes);
  }

  /** @param image its name, for messages */
  add({ predicted, target }: LabelMaps, image = `image ${this.#perImage.length}`): void {
    const [classes, ignore] = [this.#classes, this.#ignore];
    const name = `segmentationAgreement, ${image}`;
    checkMaps(name, predicted, target);
    const confusion = new Float64Array(classes * classes);
    for (let i = 0; i < target.data.length; i++) {
      const [t, p] = [target.data[i]!, predicted.data[i]!];
      if (t === ignore) continue;
      if (!isClass(t, classes) || !isClass(p, classes)) {
        throw new MetricsError(
          'invalid-option',
          `Error in ${name}: expected labels from 0 to ${classes - 1}${ignore === undefined ? '' : `, or ${ignore} in the target, which does not count`}, got target ${t} and predicted ${p} at pixel ${i}${p === ignore ? '; a mask must be 0 and 1' : ''}`,
          { index: i, target: t, predicted: p },
        );
      }
      confusion[t * classes + p]!++;
    }
    for (const [i, count] of confusion.entries()) this.#total[i]! += count;
    this.#perImage.push(meanOf(ious(confusion, classes)));
  }

  finish(): SegmentationAgreement {
    const perImage = this.#perImage;
    const counted = perImage.filter((miou) => miou !== null);
    if (counted.length === 0)
      throw new MetricsError(
        'empty-input',
        `Error in segmentationAgreement: ${perImage.length === 0 ? 'expected at least one image, got none' : `none of ${perImage.length} images has a pixel that counts`}`,
        { images: perImage.length },
      );
    const iouByClass = ious(this.#total, this.#classes);
    const mean = meanOf(counted)!;
    const squares = counted.reduce((sum, miou) => sum + (miou - mean) ** 2, 0);
    return {
      datasetMiou: meanOf(iouByClass)!,
      iouByClass,
      imageMiou: { mean, sd: counted.length === 1 ? null : Math.sqrt(squares / (counted.length - 1)) },
      perImage,
    };
  }
}

const isClass = (label: number, classes: number): boolean => Number.isInteger(label) && label >= 0 && label < classes;

/** IoU by class of a confusion matrix [target, predicted]. */
function ious(confusion: Float64Array, classes: number): (number | null)[] {
  return Array.from({ length: classes }, (_, c) => {
    let union = -confusion[c * classes + c]!;
    for (let k = 0; k < classes; k++) union += confusion[c * classes + k]! + confusion[k * classes + c]!;
    return union === 0 ? null : confusion[c * classes + c]! / union;
  });
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b, 0) / known.length;
}
