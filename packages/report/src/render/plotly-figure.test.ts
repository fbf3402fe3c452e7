import { expect, it } from 'vitest';
import { categoryText, plotlyFigure, plotlyText } from './plotly-figure.ts';

it('shows labels as written', () => {
  expect(plotlyText('a <b>x</b> & y')).toBe('a &lt;b&gt;x&lt;/b&gt; &amp; y');
});

it('breaks long categories near their middle', () => {
  expect(categoryText('no prompt')).toBe('no prompt');
  expect(categoryText('a cat on a blue ground')).toBe('a cat on a<br>blue ground');
  expect(categoryText('unbreakable-label')).toBe('unbreakable-label');
});

it('draws a band below its line and keeps its interval for the tooltip', () => {
  const { data } = plotlyFigure({
    kind: 'line',
    id: 'f',
    caption: '',
    x: { label: 'step' },
    y: { label: 'loss' },
    series: [
      {
        label: 'a',
        x: [1, 2],
        y: [5, 6],
        band: [
          [4, 7],
          [5, 8],
        ],
        n: 3,
        seeds: [1],
      },
    ],
  });
  expect(data[0]).toMatchObject({ x: [1, 2, 2, 1], y: [7, 8, 5, 4], fill: 'toself', showlegend: false });
  expect(data[1]).toMatchObject({
    x: [1, 2],
    y: [5, 6],
    customdata: [
      [4, 7],
      [5, 8],
    ],
    name: 'a',
  });
});

it('gives bars their asymmetric interval and leaves out what was not measured', () => {
  const { data } = plotlyFigure({
    kind: 'bar',
    id: 'f',
    caption: '',
    categories: ['p', 'q'],
    y: { label: 'F1' },
    series: [{ label: 'a', values: [{ value: 5, interval: [4, 8], n: 3, seeds: [1], method: '' }, null] }],
  });
  expect(data[0]).toMatchObject({ x: ['p', 'q'], y: [5, null], error_y: { array: [3, 0], arrayminus: [1, 0] } });
});

it('places the label of a reference line by its logarithm on a logarithmic axis', () => {
  const { layout } = plotlyFigure({
    kind: 'line',
    id: 'f',
    caption: '',
    x: { label: 'step' },
    y: { label: 'loss', scale: 'log' },
    series: [],
    references: [{ label: 'paper', y: 100 }],
  });
  expect(layout.annotations![0]).toMatchObject({ y: 2 });
  expect(layout.shapes![0]).toMatchObject({ y0: 100, y1: 100 });
});

it('names reference lines over bars, by their values where there are several, and hatches bars that share a colour', () => {
  const bar = { value: 1, interval: null, n: 1, seeds: [1], method: '' };
  const { data, layout } = plotlyFigure(
    {
      kind: 'bar',
      id: 'b',
      caption: '',
      categories: ['c'],
      y: { label: '' },
      series: [
        { label: 'whole', arm: 'a', values: [bar] },
        { label: 'other', arm: 'b', values: [bar] },
        { label: 'half', arm: 'a', values: [bar] },
      ],
      references: [
        { label: 'chance', y: 0.5 },
        { label: 'paper', y: 0.52 },
      ],
    },
    [
      { id: 'a', label: 'a' },
      { id: 'b', label: 'b' },
    ],
  );
  expect(layout.annotations!.map(({ text, y, yref, yshift }) => [text, y, yref, yshift])).toEqual([
    ['chance (0.500)', 1, 'paper', 0],
    ['paper (0.520)', 1, 'paper', 18],
  ]);
  expect(data.map((trace) => (trace as { marker: { pattern: { shape: string } } }).marker.pattern.shape)).toEqual(['', '', '/']);
});

it.each([
  ['powers of ten alone where it spans two', [0.02, 0.3, 40], { dtick: 1 }],
  ['what Plotly finds to fit within one', [0.3, 0.69], { dtick: undefined }],
])('ticks on a logarithmic axis are %s', (_, y, expected) => {
  const { layout } = plotlyFigure({
    kind: 'line',
    id: 'f',
    caption: '',
    x: { label: 'step' },
    y: { label: 'loss', scale: 'log' },
    series: [{ label: 'a', x: y.map((_, i) => i), y, n: 1, seeds: [1] }],
  });
  expect({ dtick: layout.yaxis!.dtick }).toEqual(expected);
});

it('draws what a curve is a model of as points, and the curve in their colour without an entry of its own', () => {
  const series = (label: string, curveOf?: string) => ({
    label,
    x: [1, 2],
    y: [3, 4],
    n: 2,
    seeds: [1],
    ...(curveOf === undefined ? {} : { curveOf }),
  });
  const figure = {
    kind: 'line' as const,
    id: 'f',
    caption: '',
    x: { label: 'size' },
    y: { label: 'loss' },
    series: [series('a'), series('b'), series('law of b', 'b'), series('law of a', 'a')],
  };
  const { data } = plotlyFigure(figure) as unknown as { data: { mode: string; showlegend?: boolean; line: object; legendgroup: string }[] };
  expect(data.map(({ mode }) => mode)).toEqual(['markers', 'markers', 'lines', 'lines']);
  expect(data.map(({ showlegend }) => showlegend)).toEqual([undefined, undefined, false, false]);
  expect(data[2]).toMatchObject({ line: data[1]!.line, legendgroup: data[1]!.legendgroup });
  expect(data[3]).toMatchObject({ line: data[0]!.line, legendgroup: data[0]!.legendgroup });
});

it('gives an arm one colour, dash and symbol in all figures, and none of them to a series that is no arm\u2019s', () => {
  const arms = ['base', 'zero', 'gaussian'].map((id) => ({ id, label: id }));
  const line = (ids: readonly (string | undefined)[]) =>
    plotlyFigure(
      {
        kind: 'line',
        id: 'f',
        caption: '',
        x: { label: '' },
        y: { label: '' },
        series: ids.map((arm) => ({ label: arm ?? 'paper', ...(arm === undefined ? {} : { arm }), x: [1], y: [1], n: 1, seeds: [1] })),
      },
      arms,
    ).data.map((trace) => trace as { line: { color: string; dash: string }; marker: { symbol: string } });
  const [alone] = line(['gaussian']);
  expect(alone).toMatchObject({ line: { color: 'var(--series-3)', dash: 'dot' }, marker: { symbol: 'diamond' } });
  const [paper, gaussian, zero] = line([undefined, 'gaussian', 'zero']);
  expect(gaussian).toEqual(expect.objectContaining({ line: alone!.line, marker: alone!.marker }));
  expect(zero!.line.color).toBe('var(--series-2)');
  expect(paper!.line.color).toBe('var(--series-4)');
  const bar = { value: 1, interval: null, n: 1, seeds: [1], method: '' };
  const { data } = plotlyFigure(
    {
      kind: 'bar',
      id: 'b',
      caption: '',
      categories: ['c'],
      y: { label: '' },
      series: [
        { label: 'x', values: [bar] },
        { label: 'g', arm: 'gaussian', values: [bar] },
      ],
    },
    arms,
  );
  expect(data.map((trace) => (trace as { marker: { color: string } }).marker.color)).toEqual(['var(--series-4)', 'var(--series-3)']);
});
