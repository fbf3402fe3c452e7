/** What stands where a search ended without an answer. */
export const NOT_KNOWN = 'not known';

export const percent = (share: number): string => `${(100 * share).toPrecision(2)}%`.replace('-', '−');

/** Large and small numbers keep their digits as text: a table of exact numbers has six decimals. */
export const text = (value: number): string =>
  value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6) ? String(Number(value.toPrecision(6))) : value.toExponential(5);
