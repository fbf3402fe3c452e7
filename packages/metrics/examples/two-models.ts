import { alignedDepthRmse, depthRmse, depthToBytes, frechetDifference, type Features, type Raster } from '@controllab/metrics';

// Made up in place of what `extractFeatures` gives of images: 64 of them, 3 numbers each.
const features = (seed: number, shift: number): Features => ({
  data: Float64Array.from({ length: 64 * 3 }, (_, i) => shift + Math.sin(seed + i * i)),
  shape: [64, 3],
});
// The first model is farther off by 1 in each number, which is 3 in all.
const { value, interval } = await frechetDifference(features(1, 1), features(1, 0), features(1.1, 0));
console.log(value.toFixed(1), interval[0] > 0 ? 'the second is nearer' : 'not told apart');

const map = (...data: number[]): Raster => ({ data, width: 2, height: 2 });
// A relative estimator knows neither scale nor shift: those that fit best are taken.
const { scale, shift } = alignedDepthRmse(map(1, 2, 4, 8), map(5, 7, 11, 19));
console.log(scale.toFixed(1), shift.toFixed(1));
// ControlNet++ compares bytes, each map's largest value at 255.
console.log(depthRmse(depthToBytes(map(0, 1, 2.5, 5)), depthToBytes(map(0, 1, 4, 5))));
