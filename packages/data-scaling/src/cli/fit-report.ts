import {
  literal,
  type Block,
  type Cell,
  type LineSeries,
  type Measurement,
  type Provenance,
  type Report,
  type Section,
  type Table,
} from '@controllab/report';
import { computeOptimal, isoFlopBias, type IsoFlopFit, type LawParameters } from '../fit/iso-flop.ts';
import { kaplanParameters, predictLosses, type Runs } from '../fit/laws.ts';
import { residuals } from '../fit/log-sum-model.ts';
import { percentileInterval } from '../intervals/bootstrap.ts';
import type { FitResult, FittedLaw } from './run-fit.ts';

const short = (value: number): string => value.toPrecision(4);
const percent = (share: number): string => `${(100 * share).toPrecision(2)}%`;
/** Large and small numbers keep their digits as text: a table of exact numbers has six decimals. */
const text = (value: number): string =>
  value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6) ? String(Number(value.toPrecision(6))) : value.toExponential(5);

/** A law's parameters with both intervals, as text: they span twenty orders of magnitude. */
export function parameterTable({ fit, profile, bootstrap }: FittedLaw): Table {
  const range = ([low, high]: readonly [number, number]): string => `${text(low)} to ${text(high)}`;
  const rows = fit.law.names.map((label) => ({
    label,
    cells: [
      text(fit.parameters[label]!),
      range(profile[label]!),
      ...(bootstrap === null ? [] : [range(percentileInterval(bootstrap.samples[label]!))]),
    ],
  }));
  const derived = derivedRows({ fit, bootstrap });
  return {
    kind: 'table',
    id: `${fit.law.id}-parameters`,
    caption: `${fit.law.formula}: objective ${fit.objective.toPrecision(8)} over ${fit.model.target.length} runs, ${
      Number.isFinite(fit.delta) ? `Huber's loss of log loss, delta ${fit.delta}` : 'least squares of log loss'
    }`,
    rowHeader: 'Parameter',
    columns: ['Value', '95% profile interval', ...(bootstrap === null ? [] : [`95% of ${bootstrap.resamples} bootstraps`])].map(
      (label) => ({ label }),
    ),
    rows: [...rows, ...derived],
  };
}

/** What follows from the parameters: the exponents of the best model and data in compute; Kaplan's own. */
function derivedRows({ fit, bootstrap }: Pick<FittedLaw, 'fit' | 'bootstrap'>): { label: string; cells: Cell[] }[] {
  const { law, parameters } = fit;
  const none = bootstrap === null ? [] : ['see above'];
  if (law.id === 'kaplan')
    return Object.entries(kaplanParameters(fit))
      .filter(([name]) => name === 'Nc' || name === 'alphaN')
      .map(([label, value]) => ({ label, cells: [text(value), 'see above', ...none] }));
  if (law.id !== 'chinchilla') return [];
  const share = (alpha: number, beta: number): number => beta / (alpha + beta);
  const drawn = bootstrap?.samples['alpha']!.map((alpha, i) => share(alpha, bootstrap.samples['beta']![i]!));
  const row = (label: string, of: (value: number) => number) => ({
    label,
    cells: [
      text(of(share(parameters['alpha']!, parameters['beta']!))),
      'bootstrap only',
      ...(drawn === undefined ? [] : [percentileInterval(drawn.map(of)).map(text).join(' to ')]),
    ],
  });
  return [row('exponent of the best N in C', (value) => value), row('exponent of the best D in C', (value) => 1 - value)];
}

/** The report of a fit. */
export function fitReport(result: FitResult, name: string, provenance: Provenance): Report {
  const { table, laws, isoFlop, notes } = result;
  const best = laws.reduce((a, b) => (b.fit.objective < a.fit.objective ? b : a));
  const values = best.fit.law.names.map((one) => `${one} = ${short(best.fit.parameters[one]!)}`).join(', ');
  const sections: Section[] = laws.map((law) => lawSection(law, result));
  if (isoFlop !== null) sections.push(isoFlopSection(isoFlop, laws));
  sections.push({
    id: 'the-runs',
    title: 'The runs',
    blocks: [...[...table.notes, ...notes].map((note): Block => ({ kind: 'note', text: literal(note) })), runTable(result)],
  });
  return {
    id: 'fit',
    title: `Scaling laws of ${name}`,
    takeaway: literal(
      `${best.fit.law.formula} with ${values}: objective ${short(best.fit.objective)} over ${table.runs.loss.length} runs.`,
    ),
    summary: '',
    claims: [],
    sections,
    provenance,
    attribution: [],
  };
}

function lawSection(law: FittedLaw, { table: { runs }, scale }: FitResult): Section {
  const { fit, rollouts } = law;
  const order = Array.from(runs.loss.keys()).sort((a, b) => runs[scale]![a]! - runs[scale]![b]!);
  const x = order.map((i) => runs[scale]![i]!);
  const predicted = predictLosses(fit.law, fit.theta, runs);
  const off = residuals(fit.model, fit.theta);
  const series = (label: string, y: readonly number[]): LineSeries => ({ label, x, y, n: runs.loss.length, seeds: [] });
  const blocks: Block[] = [
    parameterTable(law),
    {
      kind: 'line',
      id: `${fit.law.id}-fit`,
      caption: `Loss as measured, and as ${fit.law.formula} has it`,
      x: { label: scale, scale: 'log' },
      y: { label: 'loss', scale: 'log' },
      series: [
        series(
          'measured',
          order.map((i) => runs.loss[i]!),
        ),
        series(
          'law',
          order.map((i) => predicted[i]!),
        ),
      ],
    },
    {
      kind: 'line',
      id: `${fit.law.id}-residuals`,
      caption: 'Residuals: log of the law less log of the measured loss. A trend says that the law is another',
      x: { label: scale, scale: 'log' },
      y: { label: 'log residual' },
      series: [
        series(
          'residual',
          order.map((i) => off[i]!),
        ),
      ],
      references: [{ label: 'none', y: 0 }],
    },
  ];
  if (rollouts.length > 0) blocks.push(rolloutTable(law, scale));
  else blocks.push({ kind: 'note', text: 'Too few sizes to fit on small runs and predict large ones.' });
  return { id: fit.law.id, title: fit.law.formula, blocks };
}

const rolloutTable = ({ fit, rollouts }: FittedLaw, scale: string): Table => ({
  kind: 'table',
  id: `${fit.law.id}-rollout`,
  caption: `Rollout: fitted to the runs up to a size, all larger ones predicted. The last row is the error of the holdout of the largest`,
  rowHeader: `Fitted up to ${scale}`,
  columns: ['Runs fitted', 'Runs predicted', 'Mean error', 'Mean error with its sign', 'Largest run: predicted', 'measured'].map(
    (label) => ({ label }),
  ),
  rows: rollouts.map((one) => ({
    label: text(one.upTo),
    cells: [one.fitted, one.predicted, percent(one.error), percent(one.bias), text(one.last.predicted), text(one.last.measured)],
  })),
});

const exact = (value: number, n: number, stderr: number | null): Cell =>
  stderr === null
    ? text(value)
    : ({
        value,
        interval: [value - 1.96 * stderr, value + 1.96 * stderr],
        n,
        method: 'standard error over budgets',
        seeds: [1],
      } satisfies Measurement);

function isoFlopSection({ parabolas, left, N, D, loss }: IsoFlopFit, laws: readonly FittedLaw[]): Section {
  const law = laws.find(({ fit }) => fit.law.id === 'chinchilla')?.fit.parameters as unknown as LawParameters | undefined;
  const blocks: Block[] = [
    {
      kind: 'table',
      id: 'isoflop-exponents',
      caption: 'Powers of compute through the vertices of isoFLOP parabolas: the compute frontier',
      rowHeader: 'Quantity',
      columns: [{ label: 'Exponent in C' }, { label: 'Coefficient' }],
      rows: (
        [
          ['best N', N],
          ['best D', D],
          ['best loss', loss],
        ] as const
      ).map(([label, power]) => ({
        label,
        cells: [exact(power.exponent, parabolas.length, power.stderr), text(power.coefficient)],
      })),
    },
    {
      kind: 'line',
      id: 'isoflop-parabolas',
      caption: 'Loss over model size at one compute: the parabolas and their vertices',
      x: { label: 'N', scale: 'log' },
      y: { label: 'loss' },
      series: parabolas.map((one) => parabolaSeries(one)),
    },
    {
      kind: 'table',
      id: 'isoflop-budgets',
      caption: 'Every budget',
      rowHeader: 'C',
      columns: [
        'Runs',
        'Best N',
        'Best D',
        'Loss there',
        'Inside the models',
        ...(law === undefined ? [] : ['Best N of the Chinchilla law']),
      ].map((label) => ({ label })),
      rows: parabolas.map((one) => ({
        label: text(one.C),
        cells: [
          one.runs,
          text(one.N),
          text(one.D),
          text(one.loss),
          one.inside ? 'yes' : 'no: extrapolated',
          ...(law === undefined ? [] : [text(computeOptimal(law, one.C).N)]),
        ],
      })),
    },
    ...left.map(({ C, why }): Block => ({ kind: 'note', text: literal(`Budget ${text(C)}: ${why}.`) })),
  ];
  if (law !== undefined && law.E > 0)
    blocks.push(
      biasTable(
        law,
        parabolas.map((one) => one.C),
      ),
    );
  return { id: 'isoflop', title: 'isoFLOP parabolas', blocks };
}

function parabolaSeries({ C, N, centre, coefficients: [c0, c1, c2], runs }: IsoFlopFit['parabolas'][number]): LineSeries {
  const x = Array.from({ length: 41 }, (_, i) => N * 8 ** (i / 20 - 1));
  const y = x.map((n) => c0 + c1 * Math.log(n / centre) + c2 * Math.log(n / centre) ** 2);
  return { label: `C = ${text(C)}`, x, y, n: runs, seeds: [] };
}

/** What parabolas would make of the Chinchilla law itself, without noise: their known bias. */
function biasTable(law: LawParameters, budgets: readonly number[]): Table {
  const made = (label: string, width: number, drift: number) => {
    const { exponent, vertices } = isoFlopBias(law, {
      budgets,
      width,
      points: 9,
      offCentre: (b) => drift ** (b - (budgets.length - 1) / 2),
    });
    return {
      label,
      cells: [text(exponent.exact), text(exponent.fitted), ...[vertices[0]!, vertices.at(-1)!].map(({ ratio }) => percent(ratio - 1))],
    };
  };
  return {
    kind: 'table',
    id: 'isoflop-bias',
    caption: 'The bias of parabolas: what they make of losses that are the fitted Chinchilla law, without any noise',
    rowHeader: 'Models tried in each budget',
    columns: ['Exponent of the law', 'of the parabolas', 'Best N: off at the smallest budget', 'at the largest'].map((label) => ({
      label,
    })),
    rows: [
      made('a quarter to four times the best', 4, 1),
      made('a sixteenth to sixteen times', 16, 1),
      made('a quarter to four times a centre that drifts by 1.5 a budget', 4, 1.5),
    ],
  };
}

const SHOWN = 20;
function runTable({ table: { runs, columns }, laws }: FitResult): Table {
  const names = (['N', 'D', 'C'] as const).filter((variable) => runs[variable] !== undefined);
  const predicted = laws.map(({ fit }) => predictLosses(fit.law, fit.theta, runs as Runs));
  return {
    kind: 'table',
    id: 'runs',
    caption: `What was read: ${[...names, 'loss' as const].map((one) => `${one} from "${columns[one]}"`).join(', ')}`,
    rowHeader: 'Run',
    columns: [...names, 'loss', ...laws.map(({ fit }) => `predicted: ${fit.law.id}`)].map((label) => ({ label })),
    rows: Array.from(runs.loss, (loss, i) => ({
      label: String(i + 1),
      cells: [...names.map((one) => text(runs[one]![i]!)), text(loss), ...predicted.map((one) => text(one[i]!))],
    })),
    shown: SHOWN,
  };
}
