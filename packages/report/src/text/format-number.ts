const MINUS = '\u2212';

/** Decimals that show `precision` to two significant digits (0.034 -> 3, 12 -> 0); at most 6. */
export const decimalsFor = (precision: number): number =>
  precision > 0 ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(precision)))) : 0;

/** A number for readers: fixed decimals, thousands separated, a real minus sign. Never "-0.00". */
export const formatNumber = (value: number, decimals: number): string => {
  const text = Math.abs(value).toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return value < 0 && /[1-9]/.test(text) ? `${MINUS}${text}` : text;
};

/** An exact number (a count, a byte size): as many decimals as it has, at most 6. */
export const formatExact = (value: number): string => {
  const text = Math.abs(value).toLocaleString('en-US', { maximumFractionDigits: 6 });
  return value < 0 ? `${MINUS}${text}` : text;
};

/** "[lo, hi]". */
export const formatInterval = ([lo, hi]: readonly [number, number], decimals: number): string =>
  `[${formatNumber(lo, decimals)}, ${formatNumber(hi, decimals)}]`;

/** "1-3, 7" for [1, 2, 3, 7]: runs of three or more are shortened. */
export const formatSeeds = (seeds: readonly number[]): string => {
  const parts: string[] = [];
  for (let start = 0; start < seeds.length;) {
    let end = start;
    while (seeds[end + 1] === seeds[end]! + 1) end++;
    if (end - start < 2) end = start;
    parts.push(end > start ? `${seeds[start]}\u2013${seeds[end]}` : `${seeds[start]}`);
    start = end + 1;
  }
  return parts.join(', ');
};
