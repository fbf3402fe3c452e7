import { formatNumber, type Table } from '@controllab/report';
import type { Arm } from '../../experiment.ts';
import { changeOf, halfWayOf, jumpFit, LEAST_RISE, plateauEvidence, type ChangePoints, type HalfWay } from '../statistics/change-points.ts';
import type { Panel, View } from '../view.ts';
import { perStep } from './trainings.ts';

/** What each training of an arm went through: change points of its fidelity over the evaluated steps. */
export const courses = (panel: Panel, arm: string): ChangePoints[] => panel.trainings(arm).map(({ curve }) => changeOf(curve));

/** When half of the rise is done, training by training: null where it did not rise. */
export const halfWays = (panel: Panel, arm: string): (HalfWay | null)[] => panel.trainings(arm).map(({ curve }) => halfWayOf(curve));

/** The steps of it of all trainings, a row each; null where one of them did not rise: nobody knows when it would have. */
export function allHalfWays(panel: Panel, arm: string): number[][] | null {
  const found = halfWays(panel, arm);
  return found.every((half) => half !== null) ? found.map(({ step }) => [step]) : null;
}

const ONSET_MODELS = ['plateau', 'logistic'] as const;

/** When and how fast fidelity changes, arm by arm: means over the trainings in which it rose of what the fits say. */
export function changePointTable(view: View, panel: Panel): Table {
  return {
    kind: 'table',
    id: panel.id('change-points'),
    caption: `Change points of fidelity over training, in samples: in how many trainings it rose by ${LEAST_RISE} or more, and of those how many were not half way by their end, which of the two models with an onset explains the course better, where half of the rise is done by it (a training that is not half way by its end counts with its end) and how long it takes from a tenth to nine tenths (of trainings that get there). The end of the plateau is always the plateau model’s. Of all trainings how much better a plateau explains the course than gradual change (difference of BIC; above 10 is decisive): it grows with the number of evaluations, and compares arms that have as many.`,
    rowHeader: 'Arm',
    columns: [
      { label: 'rose' },
      { label: 'half way later' },
      { label: 'better explained by' },
      { label: 'end of plateau' },
      { label: 'half way' },
      { label: 'width' },
      { label: 'evaluations' },
      { label: 'BIC for a plateau' },
    ],
    rows: view.arms.map((arm) => {
      const samples = perStep(view, arm);
      const found = courses(panel, arm.id);
      const when = halfWays(panel, arm.id);
      const rose = found.flatMap((points, i) => (when[i] ? [{ points, half: when[i], seed: view.seeds[i]! }] : []));
      const later = rose.filter(({ half }) => half.isLater).length;
      const cell = (of: (one: (typeof rose)[number]) => number | null) => {
        const known = rose.flatMap((one) => {
          const steps = of(one);
          return steps === null ? [] : [{ row: [samples * steps], seed: one.seed }];
        });
        return known.length === 0
          ? null
          : view.measured(
              known.map(({ row }) => row),
              [0, Number.MAX_VALUE],
              known.map(({ seed }) => seed),
            );
      };
      const models = ONSET_MODELS.flatMap((model) => {
        const count = rose.filter(({ points }) => jumpFit(points) === points[model]).length;
        return count === 0 ? [] : [`${model} (${count})`];
      });
      return {
        label: arm.label,
        arm: arm.id,
        cells: [
          `${rose.length} of ${found.length}`,
          rose.length === 0 ? null : `${later} of ${rose.length}`,
          models.join(', ') || null,
          cell(({ points }) => points.plateau.onset),
          cell(({ half }) => half.step),
          cell(({ half }) => half.width),
          panel.trainings(arm.id)[0]!.curve.steps.length,
          view.measured(found.map((points) => [plateauEvidence(points)])),
        ],
      };
    }),
  };
}

/** What moves the jump and by how much: each arm against the first one, paired by seed, over the seeds in which both rose. */
export function movedTable(view: View, panel: Panel): Table {
  const [first, ...others] = view.arms as [Arm, ...Arm[]];
  const known = halfWays(panel, first.id);
  return {
    kind: 'table',
    id: panel.id('moved'),
    caption: `Where half of the rise is done, against ${first.label}, paired by seed: binary logarithm of the ratio, in samples and in steps; above 0 is later. Seeds in which both rose, a training that is not half way by its end with its end: at least so much later, then. Exploratory.`,
    rowHeader: 'Arm',
    columns: [{ label: 'seeds' }, { label: 'in samples' }, { label: 'in steps' }, { label: 'in samples, by seed' }],
    rows: others.map((arm) => {
      const logs = halfWays(panel, arm.id).flatMap((half, i) => {
        const one = known[i] ?? null;
        return half === null || one === null ? [] : [{ log: Math.log2(half.step / one.step), isLater: half.isLater, seed: view.seeds[i]! }];
      });
      const more = Math.log2(perStep(view, arm) / perStep(view, first));
      const cell = (shift: number) =>
        logs.length === 0
          ? null
          : view.measured(
              logs.map(({ log }) => [log + shift]),
              null,
              logs.map(({ seed }) => seed),
            );
      const bySeed = logs.map(({ log, isLater }) => `${isLater ? '≥ ' : ''}${formatNumber(log + more, 2)}`);
      return { label: arm.label, arm: arm.id, cells: [logs.length, cell(more), cell(0), bySeed.join(', ') || null] };
    }),
  };
}
