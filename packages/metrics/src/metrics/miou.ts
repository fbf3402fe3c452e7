import { SegmentationCounts } from '../fidelity/segmentation.ts';
import { given, type MapMetric } from '../evaluate/metric.ts';
import { greyValues } from '../evaluate/grey-values.ts';
import { imageMean } from '../evaluate/score.ts';

/** A byte's largest value marks pixels that do not count, as in ADE20K, Cityscapes and VOC; every other one may be a class. */
const IGNORED = 255;

/** Mean intersection over union of label maps: over the set, which is what papers report, and by image. */
export const miou: MapMetric = {
  what: 'mean IoU of label maps (grey: one class a value, 255 does not count)',
  needs: ['conditions', 'predicted'],
  reference: 'none',
  least: 1,
  start() {
    const counts = new SegmentationCounts({ classes: IGNORED, ignore: IGNORED });
    return {
      add({ name, condition, predicted }) {
        const found = greyValues(given(predicted, 'predicted maps'), `${name}, the predicted labels`);
        counts.add({ predicted: found, target: greyValues(condition, `${name}, the condition's labels`) });
      },
      finish() {
        const { datasetMiou, iouByClass, perImage } = counts.finish();
        const counted = perImage.filter((value) => value !== null);
        const empty = perImage.length - counted.length;
        return {
          scores: [
            { group: 'condition', quantity: 'mIoU', by: null, set: 'generated', value: datasetMiou, better: 'higher', decimals: 3 },
            imageMean('mIoU, mean over images', counted, { better: 'higher', range: [0, 1] }),
          ],
          images: [{ id: 'miou', label: 'mIoU', values: Float64Array.from(perImage, (iou) => iou ?? NaN), tableOnly: empty > 0 }],
          notes: [
            `mIoU is over the ${iouByClass.filter((iou) => iou !== null).length} classes that the maps show.`,
            ...(empty > 0 ? [`${empty} of ${perImage.length} images have no pixel that counts.`] : []),
          ],
        };
      },
    };
  },
};
