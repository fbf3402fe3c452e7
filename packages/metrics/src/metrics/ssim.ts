import { msSsim, ssim as similarity } from '../fidelity/ssim.ts';
import { given, type MapMetric } from '../evaluate/metric.ts';
import { imageMean } from '../evaluate/score.ts';

/** Shortest side of a picture that has five scales. */
const LEAST_FOR_SCALES = 176;

/** Rounding may lead beyond it. */
const atMostOne = (value: number): number => Math.min(1, value);

const raster = ({ rgb, width, height }: { rgb: Uint8Array; width: number; height: number }) => ({ data: rgb, width, height });

/** Structural similarity of two soft maps, such as soft edges: at one scale and, as ControlNet++'s tables have it, at five. */
export const ssim: MapMetric = {
  what: 'structural similarity of soft maps, at one scale and at five',
  needs: ['conditions', 'predicted'],
  reference: 'none',
  least: 1,
  start() {
    const [one, five]: [number[], number[]] = [[], []];
    let small = 0;
    return {
      add({ condition, predicted }) {
        const maps = [raster(given(predicted, 'predicted maps')), raster(condition)] as const;
        one.push(atMostOne(similarity(...maps, { range: 255 })));
        if (Math.min(condition.width, condition.height) < LEAST_FOR_SCALES) small++;
        else five.push(atMostOne(msSsim(...maps, { range: 255 })));
      },
      finish: () => ({
        scores: [
          imageMean('SSIM', one, { better: 'higher', range: [-1, 1] }),
          ...(small > 0 ? [] : [imageMean('MS-SSIM', five, { better: 'higher', range: [0, 1] })]),
        ],
        images: [
          { id: 'ssim', label: 'SSIM', values: Float64Array.from(one), better: 'higher' },
          ...(small > 0
            ? []
            : [{ id: 'ms-ssim', label: 'MS-SSIM', values: Float64Array.from(five), better: 'higher' as const, tableOnly: true }]),
        ],
        notes:
          small > 0 ? [`MS-SSIM takes maps of at least ${LEAST_FOR_SCALES} pixels a side; ${small} of ${one.length} are smaller.`] : [],
      }),
    };
  },
};
