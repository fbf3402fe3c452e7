import { depthRmse } from '../fidelity/depth.ts';
import { given, type MapMetric } from '../evaluate/metric.ts';
import { imageMean } from '../evaluate/score.ts';
import { greyValues } from '../evaluate/grey-values.ts';

/** Root mean squared error of depth maps of bytes, as ControlNet++ reports it. */
export const depth: MapMetric = {
  what: 'root mean squared error of depth maps, of 255',
  needs: ['conditions', 'predicted'],
  reference: 'none',
  least: 1,
  start() {
    const errors: number[] = [];
    return {
      add({ condition, predicted }) {
        errors.push(depthRmse(greyValues(given(predicted, 'predicted maps')), greyValues(condition)));
      },
      finish: () => ({
        scores: [imageMean('Depth RMSE', errors, { better: 'lower', range: [0, 255] })],
        images: [{ id: 'depth', label: 'Depth RMSE', values: Float64Array.from(errors), better: 'lower' }],
        notes: [],
      }),
    };
  },
};
