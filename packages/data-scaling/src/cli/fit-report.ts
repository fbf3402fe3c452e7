import {
  literal,
  type Block,
  type Cell,
  studentQuantile,
  type LineFigure,
  type LineSeries,
  type Provenance,
  type Report,
  type Section,
  type Table,
} from '@controllab/report';
import { curvePlaces } from '../view/curve-places.ts';
import { DataScalingError } from '../errors.ts';
import {
  computeOptimal,
  FLOPS_PER_PARAMETER,
  isoFlopBias,
  lawParameters,
  type IsoFlopFit,
  type IsoFlopParabola,
  type LawParameters,
  type PowerOfCompute,
} from '../fit/iso-flop.ts';
import { kaplanParameters, predictLosses, type Fit, type Runs, type Variable } from '../fit/laws.ts';
import { residuals } from '../fit/log-sum-model.ts';
import { percentileInterval, type Bootstrap } from '../intervals/bootstrap.ts';
import { isUnbounded, type Interval } from '../intervals/profile.ts';
import { rolloutTable } from '../view/rollout-table.ts';
import type { FitResult, FittedLaw } from './run-fit.ts';
import { NOT_KNOWN, percent, text } from '../view/text.ts';

const short = (value: number): string => value.toPrecision(4);
const range = ([low, high]: Interval): string => `${text(low)} to ${text(high)}`;
/** No sample is left where no resample identifies a law. */
const percentiles = (samples: Float64Array): string => (samples.length === 0 ? NOT_KNOWN : range(percentileInterval(samples)));

/** A law's parameters with both intervals, as text: they span twenty orders of magnitude. */
export function parameterTable({ fit, profile, bootstrap }: FittedLaw): Table {
  const rows = fit.law.names.map((label) => ({
    label,
    cells: [
      text(fit.parameters[label]!),
      profile === null ? NOT_KNOWN : range(profile[label]!),
      ...(bootstrap === null ? [] : [percentiles(bootstrap.samples[label]!)]),
    ],
  }));
  const derived = derivedRows({ fit, profile, bootstrap });
  return {
    kind: 'table',
    id: `${fit.law.id}-parameters`,
    caption: `${fit.law.formula}: objective ${fit.objective.toPrecision(8)} over ${fit.model.target.length} runs, ${
      Number.isFinite(fit.delta) ? `Huber's loss of log loss, delta ${fit.delta}` : 'least squares of log loss'
    }`,
    rowHeader: 'Parameter',
    columns: [
      'Value',
      '95% profile interval',
      ...(bootstrap === null ? [] : [`95% of ${bootstrap.resamples - bootstrap.unidentified} bootstraps`]),
    ].map((label) => ({ label })),
    rows: [...rows, ...derived],
  };
}

/** What follows from the parameters: the exponents of the best model and data in compute; Kaplan's own. */
function derivedRows({ fit, profile, bootstrap }: Pick<FittedLaw, 'fit' | 'profile' | 'bootstrap'>): { label: string; cells: Cell[] }[] {
  const { law, theta, parameters } = fit;
  const row = (label: string, of: (parameters: Readonly<Record<string, number>>) => number) => ({
    label,
    cells: [
      text(of(parameters)),
      profile === null ? NOT_KNOWN : 'bootstrap only',
      ...(bootstrap === null ? [] : [percentiles(bootstrap.samples[law.names[0]!]!.map((_, i) => of(sampleOf(bootstrap.samples, i))))]),
    ],
  });
  if (law.id === 'kaplan') {
    const kaplan = (from: Readonly<Record<string, number>>) =>
      kaplanParameters({ theta: theta.map((_, i) => (law.logarithmic[i] ? Math.log(from[law.names[i]!]!) : from[law.names[i]!]!)) });
    return [row('Nc', (from) => kaplan(from).Nc), row('alphaN', (from) => kaplan(from).alphaN)];
  }
  // Otherwise no model is the best for a budget, or nobody knows which.
  if (!hasOptimum(fit) || (profile !== null && ['alpha', 'beta'].some((name) => isUnbounded(profile[name]!)))) return [];
  const share = ({ alpha, beta }: Readonly<Record<string, number>>): number => beta! / (alpha! + beta!);
  return [row('exponent of the best N in C', share), row('exponent of the best D in C', (from) => 1 - share(from))];
}

/** The parameters of one resample. */
const sampleOf = (samples: Bootstrap['samples'], i: number): Record<string, number> =>
  Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, values[i]!]));

/** Whether a law of N and D has a best model for every budget: both must help. */
const hasOptimum = ({ law, parameters, converged }: Fit): boolean =>
  converged && law.id === 'chinchilla' && parameters['alpha']! > 0 && parameters['beta']! > 0;

/**
 * The law that is told first: of those whose search has converged the one that leaves least, but no offset that the runs do not ask for.
 * Null where there is none.
 */
function bestOf(laws: readonly FittedLaw[]): FittedLaw | null {
  const found = laws.filter(({ fit }) => fit.converged);
  if (found.length === 0) return null;
  const best = found.reduce((a, b) => (b.fit.objective < a.fit.objective ? b : a));
  const without = found.find(({ fit }) => fit.law.id === best.fit.law.id.replace(/^offset-/, ''));
  return best.profile?.['E']?.[0] === 0 ? (without ?? best) : best;
}

function lawSentence({ fit, profile }: FittedLaw, runs: number): string {
  const values = fit.law.names.map(
    (one) => `${one} = ${short(fit.parameters[one]!)}${profile !== null && isUnbounded(profile[one]!) ? ` (${NOT_KNOWN})` : ''}`,
  );
  return `${fit.law.formula} with ${values.join(', ')}: objective ${short(fit.objective)} over ${runs} runs.`;
}

/** The report of a fit. */
export function fitReport(result: FitResult, name: string, provenance: Provenance): Report {
  const { table, laws, isoFlop, notes } = result;
  const best = bestOf(laws);
  const sections: Section[] = laws.map((law) => lawSection(law, result));
  if (isoFlop !== null) sections.push(isoFlopSection(isoFlop, result));
  sections.push({
    id: 'the-runs',
    title: 'The runs',
    blocks: [...[...table.notes, ...notes].map((note): Block => ({ kind: 'note', text: literal(note) })), runTable(result)],
  });
  return {
    id: 'fit',
    title: `Scaling laws of ${name}`,
    takeaway: literal(best === null ? 'No search for a law of these runs has converged.' : lawSentence(best, table.runs.loss.length)),
    summary: '',
    claims: [],
    sections,
    provenance,
    attribution: [],
  };
}

const ROLLOUT =
  'Rollout: fitted to the runs up to a size, all larger ones predicted. The last row is the error of the holdout of the largest; not known is what a search that has not converged would predict';

/** What was measured and a law: over the law's variable, or, where it has two, over what the law says. */
function fitFigure({ law, theta }: Fit, runs: Runs): LineFigure {
  const series = (label: string, x: ArrayLike<number>, y: ArrayLike<number>, curveOf?: string): LineSeries => ({
    label,
    ...(curveOf === undefined ? {} : { curveOf }),
    x: Array.from(x),
    y: Array.from(y),
    n: runs.loss.length,
    seeds: [],
  });
  const [variable, second] = law.variables;
  const loss = { label: 'loss', scale: 'log' } as const;
  const common = { kind: 'line', id: `${law.id}-fit`, y: loss } as const;
  if (second !== undefined) {
    const predicted = predictLosses(law, theta, runs);
    const ends = curvePlaces(predicted);
    return {
      ...common,
      caption: `Loss as measured over loss as ${law.formula} has it; on the line both are equal`,
      x: { label: 'loss by the law', scale: 'log' },
      series: [series('measured', predicted, runs.loss), series('equal', ends, ends, 'measured')],
    };
  }
  const sizes = curvePlaces(runs[variable!]!);
  const curve = predictLosses(law, theta, { [variable!]: sizes });
  return {
    ...common,
    caption: `Loss as measured, and as ${law.formula} has it`,
    x: { label: variable!, scale: 'log' },
    series: [series('measured', runs[variable!]!, runs.loss), series('law', sizes, curve, 'measured')],
  };
}

function residualFigure({ law, model, theta }: Fit, runs: Runs, scale: Variable): LineFigure {
  const sizes = runs[scale]!;
  const places = curvePlaces(sizes);
  const common = { n: sizes.length, seeds: [] };
  return {
    kind: 'line',
    id: `${law.id}-residuals`,
    caption: 'Residuals: log of the law less log of the measured loss. A trend says that the law is another',
    x: { label: scale, scale: 'log' },
    y: { label: 'log residual' },
    series: [
      { label: 'residual', x: [...sizes], y: [...residuals(model, theta)], ...common },
      { label: 'none', curveOf: 'residual', x: [places[0]!, places.at(-1)!], y: [0, 0], ...common },
    ],
  };
}

function lawSection(law: FittedLaw, { table: { runs }, scale }: FitResult): Section {
  const { fit, rollouts } = law;
  const blocks: Block[] = [parameterTable(law), fitFigure(fit, runs), residualFigure(fit, runs, scale)];
  if (rollouts.length > 0) blocks.push(rolloutTable(`${fit.law.id}-rollout`, ROLLOUT, scale, rollouts));
  else blocks.push({ kind: 'note', text: 'Too few sizes to fit on small runs and predict large ones.' });
  return { id: fit.law.id, title: fit.law.formula, blocks };
}

/** 95% of an exponent over the logarithms of `budgets` points: a line through them leaves two degrees of freedom fewer. */
const exponentRange = ({ exponent, stderr }: PowerOfCompute, budgets: number): string => {
  if (stderr === null) return NOT_KNOWN;
  const half = studentQuantile(0.975, budgets - 2) * stderr;
  return range([exponent - half, exponent + half]);
};

/** Operations of a budget as laws of N and D count them, whatever unit the table has them in. */
const pairOperations = ({ N, D }: IsoFlopParabola): number => FLOPS_PER_PARAMETER * N * D;

function isoFlopSection({ parabolas, left, N, D, loss }: IsoFlopFit, { laws, table: { runs } }: FitResult): Section {
  const fit = laws.map((law) => law.fit).find(hasOptimum);
  const law = fit === undefined ? undefined : lawParameters(fit);
  const inside = parabolas.filter((one) => one.inside);
  const blocks: Block[] = [
    {
      kind: 'table',
      id: 'isoflop-powers',
      caption: `Powers of compute through the vertices of ${inside.length} isoFLOP parabolas: the compute frontier`,
      rowHeader: 'Quantity',
      columns: [{ label: 'Exponent in C' }, { label: `95%, Student's t over budgets` }, { label: 'Coefficient' }],
      rows: (
        [
          ['best N', N],
          ['best D', D],
          ['best loss', loss],
        ] as const
      ).map(([label, power]) => ({
        label,
        cells: [text(power.exponent), exponentRange(power, inside.length), text(power.coefficient)],
      })),
    },
    {
      kind: 'line',
      id: 'isoflop-parabolas',
      caption: 'Loss over model size at one compute: as measured, parabolas over the sizes that were measured, and their vertices',
      x: { label: 'N', scale: 'log' },
      y: { label: 'loss', scale: 'log' },
      series: [
        ...parabolas.flatMap((one) => [measuredSeries(one, runs as Required<Runs>), parabolaSeries(one, runs as Required<Runs>)]),
        { label: 'vertices', x: inside.map((one) => one.N), y: inside.map((one) => one.loss), n: inside.length, seeds: [] },
      ],
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
          one.runs.length,
          text(one.N),
          text(one.D),
          text(one.loss),
          one.inside ? 'yes' : 'no: extrapolated, left out of the powers',
          ...(law === undefined ? [] : [text(computeOptimal(law, pairOperations(one)).N)]),
        ],
      })),
    },
  ];
  if (left.length > 0)
    blocks.push({
      kind: 'note',
      text: literal(`Budgets without a parabola: ${left.map(({ C, why }) => `${text(C)} (${why})`).join('; ')}.`),
    });
  blocks.push(
    law === undefined
      ? { kind: 'note', text: 'No law of N and D was fitted with both exponents above zero: the bias of the parabolas is not known.' }
      : biasBlock(law, parabolas.map(pairOperations)),
  );
  return { id: 'isoflop', title: 'isoFLOP parabolas', blocks };
}

/** Budgets of one label would lie within the tolerance by which runs are of one budget. */
const budgetLabel = (C: number): string => `C = ${C.toExponential(2)}`;

function measuredSeries({ C, runs: members }: IsoFlopParabola, runs: Required<Runs>): LineSeries {
  const order = members.toSorted((a, b) => runs.N[a]! - runs.N[b]!);
  return {
    label: budgetLabel(C),
    x: order.map((i) => runs.N[i]!),
    y: order.map((i) => runs.loss[i]!),
    n: members.length,
    seeds: [],
  };
}

function parabolaSeries({ C, centre, coefficients: [c0, c1, c2], runs: members }: IsoFlopParabola, runs: Required<Runs>): LineSeries {
  const x = [...curvePlaces(members.map((i) => runs.N[i]!))];
  const y = x.map((n) => c0 + c1 * Math.log(n / centre) + c2 * Math.log(n / centre) ** 2);
  return { label: `${budgetLabel(C)}: parabola`, curveOf: budgetLabel(C), x, y, n: members.length, seeds: [] };
}

/** The table of the bias, or why there is none. */
function biasBlock(law: LawParameters, budgets: readonly number[]): Block {
  try {
    return biasTable(law, budgets);
  } catch (error) {
    if (!(error instanceof DataScalingError)) throw error;
    return { kind: 'note', text: literal(`What parabolas would make of the Chinchilla law is not known: ${error.message}.`) };
  }
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
function runTable({ table: { runs, lines }, laws }: FitResult): Table {
  const names = (['N', 'D', 'C'] as const).filter((variable) => runs[variable] !== undefined);
  const predicted = laws.map(({ fit }) => predictLosses(fit.law, fit.theta, runs as Runs));
  return {
    kind: 'table',
    id: 'runs',
    caption: 'Every run',
    rowHeader: 'Line of the file',
    columns: [...names, 'loss', ...laws.map(({ fit }) => `predicted: ${fit.law.id}`)].map((label) => ({ label })),
    rows: Array.from(runs.loss, (loss, i) => ({
      label: String(lines[i]),
      cells: [...names.map((one) => text(runs[one]![i]!)), text(loss), ...predicted.map((one) => text(one[i]!))],
    })),
    shown: SHOWN,
  };
}
