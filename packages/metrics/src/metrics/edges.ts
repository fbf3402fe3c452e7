import { canny } from '@controllab/data';
import { edgeF1 } from '../fidelity/edge-f1.ts';
import type { MapMetric } from '../evaluate/metric.ts';
import { imageMean } from '../evaluate/score.ts';

/** What a condition's map shows as an edge: half as bright as white, so that a lossy file's ringing is none. */
const EDGE = 128;

/** Colour Canny with the thresholds of OpenCV's examples, which ControlNet's annotator has as defaults: 100 and 200. */
const BY = 'Canny 100/200';

/** F1 of Canny edges found in the images: pixel by pixel (ControlNet++'s protocol), and with a tolerance of one pixel. */
export const edges: MapMetric = {
  what: 'F1 of the image\u2019s Canny edges, exact and within one pixel',
  needs: ['conditions'],
  reference: 'none',
  least: 1,
  start() {
    const [exact, near]: [number[], number[]] = [[], []];
    return {
      add({ image: { rgb, width, height }, condition }) {
        const found = canny(rgb, width, height);
        const wanted = Uint8Array.from({ length: width * height }, (_, i) => Number(condition.rgb[3 * i]! >= EDGE));
        exact.push(edgeF1(found, wanted, width, height, { tolerance: 0 }).f1);
        near.push(edgeF1(found, wanted, width, height, { tolerance: 1 }).f1);
      },
      finish: () => ({
        scores: [
          imageMean('Edge F1 (exact)', exact, { by: BY, better: 'higher', range: [0, 1] }),
          imageMean('Edge F1 (1 px)', near, { by: BY, better: 'higher', range: [0, 1] }),
        ],
        images: [
          { id: 'edges', label: 'Edge F1 (1 px)', values: Float64Array.from(near) },
          { id: 'edges-exact', label: 'Edge F1 (exact)', values: Float64Array.from(exact), tableOnly: true },
        ],
        notes: [],
      }),
    };
  },
};
