import type { Prediction } from '@controllab/data-scaling';
import type { LineFigure, Measurement, Table } from '@controllab/report';
import { seenExamples } from '@controllab/training';
import { COPY_BELOW } from '../compute/training/copies.ts';
import { BASE_ALONE } from '../experiment.ts';
import { cameTrue, sealedNumber, sealedText, type readSealed } from '../sealed.ts';
import { mean, type Panel, type View } from './view.ts';

const NONNEGATIVE = [0, Number.MAX_VALUE] as const;

/** How many different scenes a training by the profile's recipe sees of so many: they are drawn with replacement, and steps are few. */
export const scenesSeen = (view: View, size: number, seed: number): number =>
  seenExamples({ ...view.results.profile.recipe, examples: size }, seed).length;

/** One quantity over sizes: a line a method, with arms at their places. */
export function sizeLine(
  view: View,
  panel: Panel,
  id: string,
  {
    lines,
    y,
    of,
  }: {
    lines: readonly { label: string; points: readonly { x: number; arm: string }[] }[];
    y: string;
    of(arm: string): Measurement;
  },
): LineFigure {
  return {
    kind: 'line',
    id: panel.id(id),
    caption: `At equal steps: ${y}. Bands: 95% over trainings, as many as a size has, or over the pictures of the only one.`,
    x: { label: 'scenes', scale: 'log' },
    y: { label: y },
    series: lines.map(({ label, points }) => {
      const values = points.map(({ arm }) => of(arm));
      return {
        label,
        arm: points[0]!.arm,
        x: points.map(({ x }) => x),
        y: values.map(({ value }) => value),
        band: values.map(({ value, interval }) => interval ?? ([value, value] as const)),
        n: Math.min(...values.map(({ n }) => n)),
        seeds: view.seeds,
      };
    }),
  };
}

/**
 * How much lower the loss is on scenes that a training saw than on others: one number a training. What the base model alone makes of both
 * is taken off, which the draw of the scenes decides.
 */
export function gapOf(view: View, panel: Panel, arm: string): Measurement {
  const [own, base] = (['control', 'base'] as const).map((of) => panel.lossOn('trained', arm, 'none', of));
  const [alone] = [panel.heldOut(BASE_ALONE.id, 'none')];
  return view.measured(panel.heldOut(arm, 'none').map((held, i) => [mean(held) - mean(own![i]!) - (mean(alone[i]!) - mean(base![i]!))]));
}

/** Where conditions were exchanged, what a training saw is not what is held out: there is no gap to take. */
const fairGap = (view: View, panel: Panel, arm: string): Measurement | null =>
  view.arm(arm).wrongConditions === undefined ? gapOf(view, panel, arm) : null;

/** What a training on every size came to: pictures, and losses on what no training sees. */
export function sizeTable(view: View, panel: Panel): Table {
  const drawn = (id: string) => (arm: string) => panel.value(arm, 'perfect', id);
  const label = (id: string): string => view.measure(id).label(panel.condition);
  const unseen = (on: 'unseen-object' | 'unseen-combination') => (arm: string) => view.measured(panel.lossOn(on, arm, 'none'), NONNEGATIVE);
  const pictures = [
    { label: label('fidelity'), better: 'higher', of: drawn('fidelity') },
    { label: label('object'), better: 'higher', of: drawn('object') },
    { label: label('clip'), better: 'higher', of: drawn('clip') },
    { label: label('frechet'), better: 'lower', of: drawn('frechet') },
  ] as const;
  const columns = [
    ...pictures,
    { label: 'loss, held-out objects', better: 'lower', of: unseen('unseen-object') },
    { label: 'loss, held-out combinations', better: 'lower', of: unseen('unseen-combination') },
    { label: 'gap to trained scenes', better: 'lower', of: (arm: string) => fairGap(view, panel, arm) },
  ] as const;
  return {
    kind: 'table',
    id: panel.id('sizes'),
    caption: `Pictures with a perfect prompt; losses without one, on as many scenes as the held-out loss; the gap is held-out loss minus loss on trained scenes, less the same of the base model, and is not taken where conditions are wrong. The evaluated scenes themselves have a Fréchet distance of ${mean(panel.real('frechet')).toFixed(2)}: the floor of so few pictures. ${(['frechet', 'clip'] as const).map((id) => view.measure(id).method(panel.condition)).join(' ')}`,
    rowHeader: 'Training',
    columns: columns.map(({ label: text, better }) => ({ label: text, better })),
    rows: [
      {
        label: BASE_ALONE.label,
        arm: BASE_ALONE.id,
        cells: columns.map((_, i) => (i < pictures.length ? pictures[i]!.of(BASE_ALONE.id) : null)),
      },
      ...view.arms.map((arm) => ({ label: arm.label, arm: arm.id, cells: columns.map(({ of }) => of(arm.id)) })),
    ],
  };
}

/** Evaluated step from which on a training has shown copies; null where it never did. */
export const onsetOf = ({ steps, copies }: { steps: readonly number[]; copies: readonly (readonly number[])[] }): number | null =>
  steps.find((_, k) => copies[k]!.some((ratio) => ratio < COPY_BELOW)) ?? null;

/** How much of what is drawn from training conditions without a prompt is a copy of a training picture, and since when. */
export function copyTable(view: View, panel: Panel): Table {
  const { images } = view.results.profile.follow;
  return {
    kind: 'table',
    id: panel.id('copies'),
    caption: `${images} pictures drawn from training conditions without a prompt, held against all pictures that the training saw, as means over 2 × 2 pixels: distance to the nearest over that to the second nearest, and the share below a third, which are copies. A condition that gives the shape away brings pictures near to its own: the ratio at step 0 is that before any training.`,
    rowHeader: 'Training',
    columns: [{ label: 'ratio, step 0' }, { label: 'ratio, end' }, { label: 'copies', better: 'lower' }, { label: 'first copy at step' }],
    rows: view.arms.map((arm) => {
      const courses = panel.trainings(arm.id).map(({ curve }) => ({ steps: curve.steps, copies: curve.copies! }));
      const onsets = courses.map(onsetOf);
      const at = (of: (ratios: readonly number[]) => number[], k: number) =>
        view.measured(
          courses.map(({ copies }) => of(copies.at(k)!)),
          [0, 1],
        );
      return {
        label: arm.label,
        arm: arm.id,
        cells: [
          at((ratios) => [...ratios], 0),
          at((ratios) => [...ratios], -1),
          at((ratios) => ratios.map((ratio) => Number(ratio < COPY_BELOW)), -1),
          onsets.map((step) => step ?? 'none').join(', '),
        ],
      };
    }),
  };
}

/** What a law foretold, and what came of it where it is trained. */
export interface Foretold {
  readonly label: string;
  readonly prediction: Prediction;
  readonly came: Measurement | null;
  /** When each of the trainings was finished that it foretells; none before they are. */
  readonly finished: readonly { readonly finishedAt: string }[];
}

/** Whether a prediction came true by what was sealed; undefined before it is trained or sealed, null where others were sealed. */
const verdictOf = ({ label, came }: Pick<Foretold, 'label' | 'came'>, found: ReturnType<typeof readSealed>, what: string) =>
  came === null || found === null ? undefined : cameTrue(found.sealed, what, label, came.value);

const SEALED_COLUMNS = ['foretold', 'low', 'high'] as const;

/**
 * Predictions with their 90% intervals, as they are computed now and as they were sealed, and whether they came true.
 * @param what of which runs: the table's header, which a sealed table has to share
 */
export function foretoldTable(rows: readonly Foretold[], found: ReturnType<typeof readSealed>, what: string): Table {
  const came = rows.some((row) => row.came !== null);
  const sealed = found !== null && came;
  const beforehand = sealedText(
    found,
    { header: what, rows: rows.map(({ label }) => label) },
    rows.flatMap(({ finished }) => finished),
  );
  return {
    kind: 'table',
    id: 'foretold',
    caption: `Loss foretold for ${what}, with 90% intervals for the mean of the trainings. ${beforehand}`,
    rowHeader: what,
    columns: [
      ...SEALED_COLUMNS.map((label) => ({ label, decimals: 5 })),
      ...(sealed ? SEALED_COLUMNS.map((label) => ({ label: `${label}, sealed`, decimals: 5 })) : []),
      ...(came ? [{ label: 'came' }] : []),
      ...(sealed ? [{ label: 'came true' }] : []),
    ],
    rows: rows.map(({ label, prediction: { value, interval }, came: truth }) => {
      const verdict = verdictOf({ label, came: truth }, found, what);
      return {
        label,
        cells: [
          value,
          ...interval,
          ...(sealed ? SEALED_COLUMNS.map((column) => sealedNumber(found.sealed, what, label, column)) : []),
          ...(came ? [truth] : []),
          ...(sealed ? [verdict === undefined ? null : verdict === null ? 'not sealed' : verdict ? 'yes' : 'no'] : []),
        ],
      };
    }),
  };
}

/** How many of the sealed predictions came true, in a sentence; nothing before one of their runs is trained. */
export function cameText(rows: readonly Foretold[], found: ReturnType<typeof readSealed>, what: string): string[] {
  const came = rows.flatMap((row) => verdictOf(row, found, what) ?? []);
  return came.length === 0 ? [] : [`What came lies in ${came.filter(Boolean).length} of ${came.length} sealed intervals (${what}).`];
}
