const MINUS = '\u2212';

const MOST_DECIMALS = 6;

/** Whether a number is too small for as many decimals as are written, but not zero. */
const isTiny = (value: number): boolean => value !== 0 && Math.abs(value) < 10 ** -MOST_DECIMALS;

/** Decimals that show `precision` to two significant digits (0.034 -> 3, 12 -> 0); at most 6. */
export const decimalsFor = (precision: number): number =>
  precision > 0 ? Math.min(MOST_DECIMALS, Math.max(0, 1 - Math.floor(Math.log10(precision)))) : 0;

/** A number for readers: fixed decimals, thousands separated, a real minus sign. Never "-0.00". */
export const formatNumber = (value: number, decimals: number): string => {
  const text = Math.abs(value).toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return value < 0 && /[1-9]/.test(text) ? `${MINUS}${text}` : text;
};

/** A number as it is (a count, a byte size, a score): as many decimals as it has, at most 6; below those three digits, "1.30e-9". */
export const formatExact = (value: number): string => {
  const size = Math.abs(value);
  const text = isTiny(value) ? size.toExponential(2) : size.toLocaleString('en-US', { maximumFractionDigits: MOST_DECIMALS });
  return value < 0 ? `${MINUS}${text}` : text;
};

/** Writes a measured number and its interval's ends: with fixed decimals, or as they are where those would show none of the interval. */
export const formatterOf = (interval: readonly [number, number], decimals: number): ((value: number) => string) => {
  const isLost = decimals === MOST_DECIMALS && interval.some(isTiny) && interval.every((end) => end === 0 || isTiny(end));
  return isLost ? formatExact : (value) => formatNumber(value, decimals);
};

/** How many decimals more than its width asks for an interval is given at most. */
const MORE_DECIMALS = 3;

/**
 * Decimals, as few more as are needed and at most three, with which no end of an interval is rounded onto or across one of the bounds that
 * it is held against: 0.317 that is above 0 is not to read as 0.
 */
export function decimalsApart(interval: readonly [number, number], bounds: readonly number[], decimals: number): number {
  const moves = (end: number, shown: number): boolean => {
    const rounded = Number(end.toFixed(shown));
    return bounds.some((bound) => Math.sign(rounded - bound) !== Math.sign(end - bound));
  };
  const most = Math.max(decimals, Math.min(MOST_DECIMALS, decimals + MORE_DECIMALS));
  let shown = decimals;
  while (shown < most && interval.some((end) => moves(end, shown))) shown++;
  return shown;
}

/** "[lo, hi]". */
export const formatInterval = (interval: readonly [number, number], decimals: number): string =>
  `[${interval.map(formatterOf(interval, decimals)).join(', ')}]`;

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
