/** Enough for a curve that looks smooth. */
const POINTS = 41;

/** Places of a law's curve from the least to the largest of positive values, at equal ratios. */
export function curvePlaces(values: Iterable<number>): Float64Array<ArrayBuffer> {
  let [least, most] = [Infinity, -Infinity];
  // Not spread into Math.min: a table may have more rows than a call takes arguments.
  for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return Float64Array.from({ length: POINTS }, (_, i) => least * (most / least) ** (i / (POINTS - 1)));
}
