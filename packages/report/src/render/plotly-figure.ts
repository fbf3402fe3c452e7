import type { Data, Layout } from 'plotly.js';
import { formatSeeds } from '../text/format-number.ts';
import { type ArmMark, seriesMarks } from './arm-marks.ts';
import type { Arm, Axis, BarFigure, LineFigure, LineSeries } from '../model/report.ts';

// Colours stay CSS variables here; page/report.js puts in the values of the reader's theme, and again when it changes.
const colour = ({ colour: place }: ArmMark): string => `var(--series-${place})`;
const bandColour = ({ colour: place }: ArmMark): string => `var(--band-${place})`;

const MARKERS_UP_TO = 25;

/** Plotly reads a little HTML in its texts; this shows it as written. */
export const plotlyText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A category in two lines if it is long, broken at the space nearest its middle: level labels are easier to read than slanted ones. */
export const categoryText = (text: string): string => {
  const middle = text.length / 2;
  const spaces = [...text.matchAll(/ /g)].map(({ index }) => index).sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
  return text.length <= 10 || spaces[0] === undefined
    ? plotlyText(text)
    : `${plotlyText(text.slice(0, spaces[0]))}<br>${plotlyText(text.slice(spaces[0] + 1))}`;
};

/** Whether two powers of ten lie between the least and the largest of values, so that ticks at these alone can be read. */
const spansPowers = (values: readonly number[]): boolean => {
  let [least, most] = [Infinity, -Infinity];
  // Not spread into Math.min: a curve may have more points than a call takes arguments.
  for (const value of values) if (value > 0) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return Math.floor(Math.log10(most)) > Math.ceil(Math.log10(least));
};

/** @param values what lies on the axis: by them a logarithmic one chooses its ticks */
const axis = ({ label, scale = 'linear' }: Axis, values: readonly number[] = []) => ({
  title: { text: plotlyText(label), standoff: 12, font: { size: 13, color: 'var(--muted)' } },
  type: scale,
  automargin: true,
  gridcolor: 'var(--grid)',
  linecolor: 'var(--axis)',
  zerolinecolor: 'var(--axis)',
  zerolinewidth: 1,
  tickfont: { color: 'var(--muted)', size: 12 },
  ...(scale === 'log' ? { exponentformat: 'power' as const, ...(spansPowers(values) ? { dtick: 1 } : {}) } : {}),
});

/** Room for the name of a reference line over the plot (px). */
const NAME_HEIGHT = 18;

/** Dashed lines across the plot, each with its name at its right end; over the plot where bars would lie behind it. */
const referenceShapes = ({ kind, references = [], y: { scale } }: LineFigure | BarFigure): Partial<Layout> => ({
  // Plotly's own types ask for every field of a shape, though each has a default.
  shapes: references.map(({ y }) => ({
    type: 'line',
    xref: 'paper',
    x0: 0,
    x1: 1,
    yref: 'y',
    y0: y,
    y1: y,
    line: { color: 'var(--muted)', width: 1.25, dash: '6px,4px' },
  })) as unknown as Layout['shapes'],
  annotations: references.map(({ label, y }, i) => ({
    // Over the plot, as on a phone all of them are, a name says by its value whose it is.
    text: plotlyText(references.length > 1 ? `${label} (${y.toPrecision(3)})` : label),
    xref: 'paper',
    x: 1,
    xanchor: 'right',
    ...(kind === 'bar' ? { yref: 'paper', y: 1, yshift: i * NAME_HEIGHT } : { yref: 'y', y: scale === 'log' ? Math.log10(y) : y }),
    yanchor: 'bottom',
    showarrow: false,
    font: { size: 12, color: 'var(--muted)' },
    bgcolor: 'var(--surface)',
    borderpad: 1,
  })),
});

const layout = (figure: LineFigure | BarFigure, more: Partial<Layout>): Partial<Layout> => ({
  paper_bgcolor: 'var(--surface)',
  plot_bgcolor: 'var(--surface)',
  modebar: { bgcolor: 'var(--surface)', color: 'var(--muted)', activecolor: 'var(--text)' },
  font: { family: 'var(--sans)', size: 13, color: 'var(--text)' },
  margin: { t: figure.kind === 'bar' ? Math.max(24, NAME_HEIGHT * ((figure.references?.length ?? 0) + 0.5)) : 24, r: 24, b: 16, l: 20 },
  showlegend: figure.series.length > 1,
  legend: {
    orientation: 'h',
    x: 0,
    xanchor: 'left',
    // Names of reference lines lie between bars and legend.
    y: figure.kind === 'bar' ? 1.03 + 0.08 * (figure.references?.length ?? 0) : 1.03,
    yanchor: 'bottom',
    font: { size: 13 },
  },
  hoverlabel: { bgcolor: 'var(--surface)', bordercolor: 'var(--axis)', font: { family: 'var(--sans)', size: 12, color: 'var(--text)' } },
  ...referenceShapes(figure),
  ...more,
});

const lineData = (figure: LineFigure, arms: readonly Arm[]): Data[] => {
  const samplesOf = ({ n, seeds }: LineSeries): string => ` (n = ${n}, seeds ${formatSeeds(seeds)})`;
  // Where all curves share n and seeds the remark under the figure says so, and the tooltip need not.
  const shared = new Set(figure.series.map(samplesOf)).size === 1;
  const bands: Data[] = [];
  const lines: Data[] = [];
  const measured = figure.series.filter(({ curveOf }) => curveOf === undefined);
  const marks = seriesMarks(arms, measured);
  const modelled = new Set(figure.series.map(({ curveOf }) => curveOf));
  for (const series of figure.series) {
    const { label, x, y, band, curveOf } = series;
    const place = measured.findIndex((other) => (curveOf === undefined ? other === series : other.label === curveOf));
    const mark = marks[place]!;
    const legendgroup = `series ${place}`;
    if (band !== undefined) {
      bands.push({
        type: 'scatter',
        x: [...x, ...[...x].reverse()],
        y: [...band.map(([, hi]) => hi), ...band.map(([lo]) => lo).reverse()],
        mode: 'lines',
        line: { width: 0, color: bandColour(mark) },
        fill: 'toself',
        fillcolor: bandColour(mark),
        hoverinfo: 'skip',
        showlegend: false,
        legendgroup,
      });
    }
    lines.push({
      type: 'scatter',
      name: plotlyText(label),
      x: [...x],
      y: [...y],
      mode: modelled.has(label) ? 'markers' : curveOf === undefined && x.length <= MARKERS_UP_TO ? 'lines+markers' : 'lines',
      line: { color: colour(mark), width: 2, dash: mark.dash },
      marker: { color: colour(mark), size: 6, symbol: mark.symbol },
      legendgroup,
      ...(curveOf === undefined ? {} : { showlegend: false }),
      ...(band === undefined ? {} : { customdata: band.map(([lo, hi]) => [lo, hi]) }),
      hovertemplate: `%{y:.4g}${band === undefined ? '' : ' [%{customdata[0]:.4g}, %{customdata[1]:.4g}]'}${shared ? '' : samplesOf(series)}`,
    });
  }
  // Bands first, so that no band lies over another curve.
  return [...bands, ...lines];
};

/** What tells bars of one arm apart, which share its colour. */
const PATTERNS = ['', '/', 'x', '.', '-', '|', '\\', '+'] as const;

const barData = ({ categories, series }: BarFigure, arms: readonly Arm[]): Data[] => {
  const marks = seriesMarks(arms, series);
  const patternOf = (place: number): (typeof PATTERNS)[number] =>
    PATTERNS[marks.slice(0, place).filter((other) => other.colour === marks[place]!.colour).length % PATTERNS.length]!;
  return series.map(({ label, values }, place) => ({
    type: 'bar',
    name: plotlyText(label),
    x: categories.map(categoryText),
    y: values.map((measured) => measured?.value ?? null),
    marker: {
      color: colour(marks[place]!),
      line: { width: 0 },
      pattern: { shape: patternOf(place), fillmode: 'overlay', fgcolor: 'var(--surface)', size: 5, solidity: 0.35 },
    },
    error_y: {
      type: 'data',
      symmetric: false,
      array: values.map((measured) => (measured?.interval ? measured.interval[1] - measured.value : 0)),
      arrayminus: values.map((measured) => (measured?.interval ? measured.value - measured.interval[0] : 0)),
      color: 'var(--text)',
      thickness: 1.25,
      width: 4,
    },
    customdata: values.map((measured) => [
      measured?.interval ? `[${measured.interval.map((bound) => bound.toPrecision(4)).join(', ')}]` : 'no interval',
      measured === null ? '' : `n = ${measured.n}, seeds ${formatSeeds(measured.seeds)}`,
    ]),
    hovertemplate: '%{fullData.name}<br>%{y:.4g} %{customdata[0]}<br>%{customdata[1]}<extra></extra>',
  }));
};

/** A figure as Plotly's data and layout, with CSS variables ("var(--text)") in place of colours and fonts. */
export const plotlyFigure = (figure: LineFigure | BarFigure, arms: readonly Arm[] = []): { data: Data[]; layout: Partial<Layout> } =>
  figure.kind === 'line'
    ? {
        data: lineData(figure, arms),
        layout: layout(figure, {
          xaxis: {
            ...axis(
              figure.x,
              figure.series.flatMap(({ x }) => x),
            ),
            zeroline: false,
            spikecolor: 'var(--axis)',
            spikethickness: 1,
            spikedash: 'solid',
          },
          yaxis: axis(
            figure.y,
            figure.series.flatMap(({ y, band = [] }) => [...y, ...band.flat()]),
          ),
          hovermode: 'x unified',
        }),
      }
    : {
        data: barData(figure, arms),
        layout: layout(figure, {
          xaxis: { ...axis({ label: '' }), title: {}, type: 'category', showgrid: false },
          yaxis: axis(figure.y),
          barmode: 'group',
          bargap: 0.35,
          bargroupgap: 0.12,
          hovermode: 'closest',
        }),
      };
