import { canny } from '@controllab/data';
import { MetricsError } from '../errors.ts';
import { edgeF1 } from '../fidelity/edge-f1.ts';
import { greyValues } from '../evaluate/grey-values.ts';
import type { CannyThresholds, MapMetric, ReadMap } from '../evaluate/metric.ts';
import { imageMean } from '../evaluate/score.ts';

/** What a condition's map shows as an edge: half as bright as white, so that a lossy file's ringing is none. */
const EDGE = 128;

/** By how much JPEG tints the grey of an edge map. */
const TINT = 8;

/**
 * The edges of a condition's map [H, W], 1 where there is one.
 * @throws MetricsError invalid-shape for a map in colours; invalid-file for one that shows no edges as white on black
 */
function wantedEdges(condition: ReadMap): Uint8Array {
  const { data } = greyValues(condition, TINT);
  const edges = data.map((value) => Number(value >= EDGE));
  const [count, brightest] = [edges.reduce((sum, edge) => sum + edge, 0), data.reduce((a, b) => Math.max(a, b), 0)];
  const { name } = condition;
  if (count === 0 && brightest > 0)
    throw new MetricsError(
      'invalid-file',
      `${name}: expected edges in white, the brightest value is ${brightest} of 255; edges of a map of 0 and 1 are to be written as 255`,
      { name, brightest },
    );
  // Canny thins its edges to a pixel, so that they never fill half of a map.
  if (count > data.length / 2)
    throw new MetricsError(
      'invalid-file',
      `${name}: ${((100 * count) / data.length).toFixed(0)}% of its pixels are white; edges are white on black`,
      { name, count },
    );
  return edges;
}

/** Those of OpenCV's examples, which ControlNet's annotator has as defaults. */
export const CANNY_THRESHOLDS: CannyThresholds = { low: 100, high: 200 };

/**
 * F1 of the Canny edges found in the images and those of the conditions: pixel by pixel, and with a tolerance of one pixel; a score an
 * image. Conditions of other thresholds cannot be followed in full.
 *
 * ControlNet++ counts pixel by pixel too, but other edges of other images: Canny of grey pictures under a Gaussian of 5 x 5 and sigma 1,
 * with L2 gradients and thresholds of 0.1 and 0.2 of their scale, and the counts of four images of a condition summed before the F1.
 */
export const edges: MapMetric = {
  what: 'F1 of the image\u2019s Canny edges, exact and within one pixel',
  needs: ['conditions'],
  reference: 'none',
  least: 1,
  start({ canny: thresholds }) {
    const [exact, near]: [number[], number[]] = [[], []];
    const by = `Canny ${thresholds.low}/${thresholds.high}`;
    return {
      add({ image: { rgb, width, height }, condition }) {
        const wanted = wantedEdges(condition);
        const found = canny(rgb, width, height, thresholds);
        exact.push(edgeF1(found, wanted, width, height, { tolerance: 0 }).f1);
        near.push(edgeF1(found, wanted, width, height, { tolerance: 1 }).f1);
      },
      finish: () => ({
        scores: [
          imageMean('Edge F1 (exact)', exact, { by, better: 'higher', range: [0, 1] }),
          imageMean('Edge F1 (1 px)', near, { by, better: 'higher', range: [0, 1] }),
        ],
        images: [
          { id: 'edges', label: 'Edge F1 (1 px)', values: Float64Array.from(near), better: 'higher' },
          { id: 'edges-exact', label: 'Edge F1 (exact)', values: Float64Array.from(exact), better: 'higher', tableOnly: true },
        ],
        notes: [],
      }),
    };
  },
};
