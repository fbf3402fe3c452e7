import { NOT_MEASURED } from '../model/cell.ts';
import { escapeHtml, jsonForScript } from '../text/escape.ts';
import { formatNumber } from '../text/format-number.ts';
import { renderCaption } from './caption.ts';
import { plotlyFigure } from './plotly-figure.ts';
import { measuredDecimals, sampleText } from './value.ts';
import type { Arm, BarFigure, LineFigure, Measurement } from '../model/report.ts';

/** The figure in words, for readers who cannot see it: the last point of every curve, or every bar. */
const describe = (figure: LineFigure | BarFigure): string => {
  if (figure.kind === 'line') {
    const ends = figure.series.map(({ label, x, y }) =>
      x.length === 0 ? `${label}: no points` : `${label} ends at ${y.at(-1)!.toPrecision(3)} (${figure.x.label} ${x.at(-1)})`,
    );
    return `Line chart of ${figure.y.label} over ${figure.x.label}. ${ends.join('; ')}.`;
  }
  const decimals = measuredDecimals(figure.series.flatMap(({ values }) => values.filter((value) => value !== null)));
  const bars = figure.series.map(
    ({ label, values }) =>
      `${label}: ${values.map((value, i) => `${figure.categories[i]} ${value === null ? NOT_MEASURED : formatNumber(value.value, decimals)}`).join(', ')}`,
  );
  return `Bar chart of ${figure.y.label}. ${bars.join('; ')}.`;
};

const sampleRemarks = (figure: LineFigure | BarFigure): string[] => {
  const samples: Pick<Measurement, 'n' | 'seeds'>[] =
    figure.kind === 'line' ? [...figure.series] : figure.series.flatMap(({ values }) => values.filter((value) => value !== null));
  const texts = new Set(samples.map(sampleText));
  const missing =
    figure.kind === 'line'
      ? []
      : figure.series.flatMap(({ label, values }) =>
          values.flatMap((value, i) => (value === null ? [`${label}, ${figure.categories[i]}`] : [])),
        );
  return [
    ...(texts.size === 0
      ? []
      : [texts.size === 1 ? `Every point: ${[...texts][0]}.` : 'n and seeds of every point: point at it, or see the CSV.']),
    ...(missing.length > 0 ? [`Not measured: ${missing.join('; ')}.`] : []),
  ];
};

/** A place for Plotly to draw in, the figure's data beside it, and its content in words. */
export const renderFigure = (
  figure: LineFigure | BarFigure,
  csvFile: string,
  arms: readonly Arm[] = [],
): string => `<figure class="plot" id="${figure.id}">
<figcaption>${renderCaption(figure.caption)}</figcaption>
<div class="plot-area" role="img" aria-label="${escapeHtml(describe(figure))}"><noscript>The figure needs JavaScript; its numbers are in the CSV.</noscript></div>
<script type="application/json">${jsonForScript(plotlyFigure(figure, arms))}</script>
<p class="remarks">${escapeHtml(sampleRemarks(figure).join(' '))} <a href="${csvFile}">CSV</a></p>
</figure>`;
