import {
  chinchillaLaw,
  computeOptimal,
  curvePlaces,
  lawParameters,
  predictLosses,
  profileIntervals,
  rollout,
  rolloutTable,
  type Fit,
} from '@controllab/data-scaling';
import { attributions } from '@controllab/emoji-scenes';
import type { LineFigure, LineSeries, Measurement, Report, Table, TableRow } from '@controllab/report';
import { cameTrue, readSealed } from '../comparison/sealed.ts';
import { seedsText } from '../comparison/view/questions.ts';
import { foretoldTable } from '../comparison/view/sizes.ts';
import { fitted, foretellLarger, lawsOf, runsOf, type MemberRun } from './laws.ts';
import { labelOfMember } from './train-member.ts';

/** What was trained, and the larger run that is foretold: how large, and what came of it where it is trained. */
export interface FamilyResult {
  readonly grid: readonly MemberRun[];
  readonly larger: {
    readonly parameters: number;
    readonly samples: number;
    readonly replicates: number;
    readonly runs: readonly MemberRun[];
  };
}

const seedsIn = (runs: readonly MemberRun[]): number[] => [...new Set(runs.map(({ seed }) => seed))];
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Parameters of laws in the order of their columns, with the decimals that they are read in. */
const LAW_COLUMNS = [
  ['alpha', 3],
  ['beta', 3],
  ['E', 4],
  ['A', 2],
  ['B', 2],
] as const;

function lawTable({ grid }: FamilyResult): Table {
  return {
    kind: 'table',
    id: 'laws',
    caption:
      'Laws of held-out loss by least squares of its logarithm, with 95% profile intervals where they end. The law of both has a floor E.',
    rowHeader: 'Over',
    columns: LAW_COLUMNS.map(([label, decimals]) => ({ label, decimals })),
    rows: lawsOf(grid).map(({ what, fit }): TableRow => {
      if (fit === null) return { label: `${what}: too few runs`, cells: LAW_COLUMNS.map(() => null) };
      const intervals = profileIntervals(fit);
      const parameter = (name: string): Measurement | '' => {
        const value = fit.parameters[name];
        if (value === undefined) return '';
        const [low, high] = intervals[name]!;
        const interval = Number.isFinite(low) && Number.isFinite(high) ? ([Math.min(low, value), Math.max(high, value)] as const) : null;
        return { value, interval, n: fit.model.target.length, method: 'profile interval, 95%', seeds: seedsIn(grid) };
      };
      return { label: `${what}: ${fit.law.formula}`, cells: LAW_COLUMNS.map(([name]) => parameter(name)) };
    }),
  };
}

const runTable = ({ grid, larger }: FamilyResult): Table => ({
  kind: 'table',
  id: 'runs',
  caption: 'Every training: one recipe, whose rate decays over the whole run.',
  rowHeader: 'Training',
  columns: [{ label: 'parameters' }, { label: 'scenes' }, { label: 'operations' }, { label: 'held-out loss', decimals: 5 }],
  rows: [...grid, ...larger.runs].map((run) => ({
    label: labelOfMember(run),
    cells: [run.value.parameters, run.value.samples, run.value.flops, run.value.loss],
  })),
});

/** The law's best model for budgets as those of the runs and ten times beyond. */
function frontierTable({ grid }: FamilyResult): Table[] {
  const fit = fitted(chinchillaLaw, runsOf(grid));
  if (fit === null) return [];
  const law = lawParameters(fit);
  // Where loss does not fall with both, no model is the best one.
  if (!(law.alpha > 0 && law.beta > 0)) return [];
  const C = grid.map(({ value }) => value.flops);
  const perPair = mean(grid.map(({ value }) => value.flops / (value.parameters * value.samples)));
  const [least, most] = [Math.min(...C), Math.max(...C)];
  return [
    {
      kind: 'table',
      id: 'frontier',
      caption: `The best model for a budget by the law of both, where a parameter and a scene cost ${perPair.toFixed(0)} operations, the mean of these runs.`,
      rowHeader: 'Operations',
      columns: [
        { label: 'parameters', decimals: 0 },
        { label: 'scenes', decimals: 0 },
        { label: 'loss', decimals: 4 },
      ],
      rows: [least, Math.sqrt(least * most), most, 10 * most].map((budget) => {
        // It counts six operations a parameter and example.
        const best = computeOptimal(law, (6 * budget) / perPair);
        return { label: budget.toExponential(2), cells: [best.N, best.D, best.loss] };
      }),
    },
  ];
}

const ROLLOUT =
  'Rollout, exploratory: the law of both fitted to the runs of up to so many operations, and its error on all larger ones. An interval by resampled residuals takes the law for true; an error that keeps its sign says that it is not.';

/** How the law of both predicts larger runs, those of the larger model among them, from smaller ones. */
function rolloutTables({ grid, larger }: FamilyResult): Table[] {
  const runs = runsOf([...grid, ...larger.runs]);
  const fit = fitted(chinchillaLaw, runs);
  const rollouts = fit === null ? [] : rollout(fit, runs, runs.C);
  return rollouts.length === 0 ? [] : [rolloutTable('rollout', ROLLOUT, 'operations', rollouts)];
}

function lossFigure({ grid, larger }: FamilyResult): LineFigure {
  const all = [...grid, ...larger.runs];
  const law = fitted(chinchillaLaw, runsOf(grid));
  const widths = [...new Set(all.map(({ width }) => width))].map((width) => all.filter((run) => run.width === width));
  const labelOf = (runs: readonly MemberRun[]): string => {
    const { width, value } = runs[0]!;
    return `width ${width}, ${(value.parameters / 1e6).toFixed(2)}M`;
  };
  const measured = (runs: readonly MemberRun[]): LineSeries => {
    const lengths = [...new Set(runs.map(({ steps }) => steps))].sort((a, b) => a - b);
    const at = (field: 'flops' | 'loss') =>
      lengths.map((length) => mean(runs.filter(({ steps }) => steps === length).map(({ value }) => value[field])));
    return { label: labelOf(runs), x: at('flops'), y: at('loss'), n: seedsIn(runs).length, seeds: seedsIn(runs) };
  };
  /** The law of both along one model, over the lengths that all were trained for: for the larger one it is what was foretold. */
  const curve = (fit: Fit, runs: readonly MemberRun[]): LineSeries => {
    const D = curvePlaces(all.map(({ value }) => value.samples));
    const { parameters, samples, flops } = runs[0]!.value;
    const loss = predictLosses(fit.law, fit.theta, { N: D.map(() => parameters), D });
    const label = `the law of both, ${labelOf(runs)}`;
    return {
      label,
      curveOf: labelOf(runs),
      x: Array.from(D, (d) => (d * flops) / samples),
      y: [...loss],
      n: grid.length,
      seeds: seedsIn(grid),
    };
  };
  return {
    kind: 'line',
    id: 'loss-over-compute',
    caption: `Held-out loss over operations of the training. Points: one width each, mean over seeds.${law === null ? '' : ` Curves: the law of parameters and scenes, fitted to the runs of ${grid.length === all.length ? 'all widths' : 'all widths but the largest'}.`}`,
    x: { label: 'operations', scale: 'log' },
    y: { label: 'held-out loss', scale: 'log' },
    series: [...widths.map(measured), ...(law === null ? [] : widths.map((runs) => curve(law, runs)))],
  };
}

/** The exponent of a law that is written with minus it; a law may rise where runs are few. */
const power = (falls: number): string => (-falls).toFixed(3).replace('-', '−');

/** The page of a family's laws. */
export function familyReport(result: FamilyResult): Omit<Report, 'id' | 'provenance'> {
  const { grid, larger } = result;
  const prediction = foretellLarger(grid, larger);
  const label = `larger run, ${(larger.parameters / 1e6).toFixed(1)}M parameters, ${seedsText(seedsIn(grid))}`;
  const what = `${(larger.parameters / 1e6).toFixed(1)}M parameters on ${larger.samples.toLocaleString('en')} scenes`;
  const losses = larger.runs.map(({ value }) => value.loss);
  const came: Measurement | null =
    losses.length === 0
      ? null
      : { value: mean(losses), interval: null, n: losses.length, method: 'mean', seeds: seedsIn(larger.runs), perTraining: losses };
  const both = lawsOf(grid).at(-1)!.fit;
  const sealed = readSealed('scaling-law');
  const verdict = came === null || sealed === null ? null : cameTrue(sealed.sealed, what, label, came.value);
  const held = verdict === null ? '' : `, ${verdict ? 'inside' : 'outside'} the sealed interval`;
  return {
    title: 'Scaling laws of the base model: parameters, scenes and operations',
    takeaway:
      both === null || prediction === null
        ? 'Too few runs for a law of parameters and scenes.'
        : `Above a floor of ${both.parameters['E']!.toFixed(3)} loss goes with the power ${power(both.parameters['alpha']!)} of parameters and ${power(both.parameters['beta']!)} of scenes; for ${what} that foretells ${prediction.value.toFixed(4)} [${prediction.interval.map((end) => end.toFixed(4)).join(', ')}]${came === null ? '' : `; ${came.value.toFixed(4)} came${held}`}.`,
    summary: `${grid.length} U-Nets of the embedded default's form, of several widths, were trained from random weights by one recipe for several lengths; the text encoder and the autoencoder are the embedded default's. Loss is taken on held-out scenes with true captions. The learning rate is one for all widths: a rate for each might move exponents.`,
    claims: [],
    sections: [
      {
        id: 'family',
        title: 'The family',
        blocks: [lossFigure(result), lawTable(result), ...rolloutTables(result), ...frontierTable(result)],
      },
      ...(prediction === null
        ? []
        : [
            {
              id: 'prediction',
              title: 'Foretold and came',
              blocks: [foretoldTable([{ label, prediction, came, finished: larger.runs }], sealed, what)],
            },
          ]),
      { id: 'all', title: 'Every training', blocks: [runTable(result)] },
    ],
    attribution: [attributions.openmoji],
  };
}
