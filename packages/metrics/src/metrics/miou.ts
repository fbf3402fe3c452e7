import { SegmentationCounts } from '../fidelity/segmentation.ts';
import { given, type MapMetric } from '../evaluate/metric.ts';
import { labelValues } from '../evaluate/grey-values.ts';
import { imageMean } from '../evaluate/score.ts';

/**
 * A byte's largest value marks pixels that do not count, as in Cityscapes and VOC; every other one may be a class. In ADE20K's own files
 * that is 0, and 255 once labels are reduced by one (mmsegmentation's `reduce_zero_label`).
 */
const IGNORED = 255;

/** Mean intersection over union of label maps: over the set, which is what papers report, and by image. */
export const miou: MapMetric = {
  what: 'mean IoU of label maps (grey: one class a value, 255 does not count)',
  needs: ['conditions', 'predicted'],
  reference: 'none',
  least: 1,
  start() {
    const counts = new SegmentationCounts({ classes: IGNORED, ignore: IGNORED });
    let ignores = false;
    return {
      async add({ name, condition, predicted }) {
        const found = await labelValues(given(predicted, 'predicted maps'));
        const target = await labelValues(condition);
        ignores ||= target.data.includes(IGNORED);
        counts.add({ predicted: found, target }, name);
      },
      finish() {
        const { datasetMiou, iouByClass, perImage } = counts.finish();
        const classes = iouByClass.filter((iou) => iou !== null).length;
        // A mask of 0 and 255 without its foreground: whatever was predicted there, it would be perfect.
        if (ignores && classes === 1)
          return {
            scores: [],
            images: [],
            notes: [
              `mIoU is not given: ${IGNORED} does not count, and beside it the maps show one class alone, which is always 1. A mask must be 0 and 1.`,
            ],
          };
        const counted = perImage.filter((value) => value !== null);
        const empty = perImage.length - counted.length;
        return {
          scores: [
            { group: 'condition', quantity: 'mIoU', by: null, set: 'generated', value: datasetMiou, better: 'higher', decimals: 3 },
            imageMean('mIoU, mean over images', counted, { better: 'higher', range: [0, 1] }),
          ],
          images: [
            { id: 'miou', label: 'mIoU', values: Float64Array.from(perImage, (iou) => iou ?? NaN), better: 'higher', tableOnly: empty > 0 },
          ],
          notes: [
            `mIoU is over the ${classes} classes that the maps show.`,
            ...(empty > 0 ? [`${empty} of ${perImage.length} images have no pixel that counts.`] : []),
          ],
        };
      },
    };
  },
};
