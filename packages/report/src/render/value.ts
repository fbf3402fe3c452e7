import { NOT_MEASURED } from '../model/cell.ts';
import { escapeHtml } from '../text/escape.ts';
import { decimalsApart, decimalsFor, formatExact, formatInterval, formatNumber, formatSeeds, formatterOf } from '../text/format-number.ts';
import type { Column, Measurement, PaperValue, Provenance } from '../model/report.ts';

/** Decimals that show the widest of the intervals, or without any the largest value to three digits. */
export const measuredDecimals = (measured: readonly Measurement[]): number => {
  const halfWidth = Math.max(0, ...measured.map(({ interval }) => (interval === null ? 0 : (interval[1] - interval[0]) / 2)));
  return decimalsFor(halfWidth > 0 ? halfWidth : Math.max(0, ...measured.map(({ value }) => Math.abs(value))) / 10);
};

/** "0.71 [0.65, 0.77]", kept apart from `bounds` of a claim; a count, whose interval is the number itself, as it is. */
export const measuredText = ({ value, interval }: Pick<Measurement, 'value' | 'interval'>, bounds: readonly number[] = []): string => {
  if (interval === null || interval[0] === interval[1]) return formatExact(value);
  const decimals = decimalsApart(interval, bounds, decimalsFor((interval[1] - interval[0]) / 2));
  return `${formatterOf(interval, decimals)(value)} ${formatInterval(interval, decimals)}`;
};

/** An exact number of a table: with the decimals of its column, or as it is. */
export const exactText = (value: number, { decimals }: Pick<Column, 'decimals'>): string =>
  decimals === undefined ? formatExact(value) : formatNumber(value, decimals);

/** A cell as text alone, for the terminal and for the index over all reports. A measured number has the decimals of its own interval. */
export const cellText = (
  cell: string | number | Pick<PaperValue, 'text'> | Pick<Measurement, 'value' | 'interval'> | null,
  column: Pick<Column, 'decimals'>,
): string => {
  if (cell === null) return NOT_MEASURED;
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number') return exactText(cell, column);
  return 'text' in cell ? cell.text : measuredText(cell);
};

/** "n = 512, seeds 1-3". */
export const sampleText = ({ n, seeds }: Pick<Measurement, 'n' | 'seeds'>): string =>
  seeds.length === 0
    ? 'no randomness'
    : `n\u00a0=\u00a0${n.toLocaleString('en-US')}, ${seeds.length === 1 ? 'seed' : 'seeds'}\u00a0${formatSeeds(seeds)}`;

const PROVENANCE_LABELS: readonly (readonly [keyof Provenance, string])[] = [
  ['weightsHash', 'weights'],
  ['datasetHash', 'dataset'],
  ['configHash', 'config'],
  ['commit', 'commit'],
  ['engine', 'engine'],
  ['machine', 'machine'],
];

/** Everything known about one measured number, for its tooltip. */
const details = (measured: Measurement): string =>
  [
    sampleText(measured),
    measured.method,
    ...PROVENANCE_LABELS.flatMap(([key, label]) => (measured.provenance?.[key] ? [`${label} ${measured.provenance[key]}`] : [])),
  ].join('\n');

/** value [lo, hi], or a count as it is, with n, seeds, method and its own provenance in a tooltip. */
export const renderMeasurement = (measured: Measurement, decimals: number, options: { best?: boolean; samples?: boolean } = {}): string => {
  const isCount = measured.seeds.length === 0;
  const format = isCount ? formatExact : formatterOf(measured.interval ?? [measured.value, measured.value], decimals);
  const value = `<span class="value">${format(measured.value)}</span>`;
  const interval = measured.interval === null ? 'no interval' : formatInterval(measured.interval, decimals);
  return (
    `<span class="measured${options.best ? ' best' : ''}" title="${escapeHtml(details(measured))}">${value}` +
    `${isCount ? '' : ` <span class="interval">${interval}</span>`}${options.best ? '<span class="visually-hidden"> (among the best)</span>' : ''}</span>` +
    (options.samples ? `<span class="samples">${sampleText(measured)}</span>` : '')
  );
};

export const renderPaperValue = ({ text, source }: PaperValue): string =>
  `<span class="paper" title="${escapeHtml(source)}">${escapeHtml(text)}</span>`;

export const renderNotMeasured = (): string => `<span class="missing">${NOT_MEASURED}</span>`;
