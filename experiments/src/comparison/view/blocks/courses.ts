import { formatNumber, type Table } from '@controllab/report';
import type { Arm } from '../../experiment.ts';
import { changeOf, halfWayOf, jumpFit, LEAST_RISE, plateauEvidence, type ChangePoints } from '../statistics/change-points.ts';
import type { Panel, View } from '../view.ts';
import { perStep } from './trainings.ts';

/** What each training of an arm went through: change points of its fidelity over the evaluated steps. */
export const courses = (panel: Panel, arm: string): ChangePoints[] => panel.trainings(arm).map(({ curve }) => changeOf(curve));

/** Steps at which half of the rise in fidelity is done, training by training: null where it did not rise. */
export const halfWays = (panel: Panel, arm: string): (number | null)[] => panel.trainings(arm).map(({ curve }) => halfWayOf(curve));

/** The same of all trainings, a row each; null where one of them did not rise: nobody knows when it would have. */
export function allHalfWays(panel: Panel, arm: string): number[][] | null {
  const found = halfWays(panel, arm);
  return found.every((steps) => steps !== null) ? found.map((steps) => [steps]) : null;
}

/** When and how fast fidelity changes, arm by arm: means over the trainings in which it rose of what the fits say. */
export function changePointTable(view: View, panel: Panel): Table {
  return {
    kind: 'table',
    id: panel.id('change-points'),
    caption: `Change points of fidelity over training, in samples: in how many trainings it rose by ${LEAST_RISE} or more, and of those where the plateau ends, where half of the rise is done and how long it takes from a tenth to nine tenths (by a plateau with an exponential or a logistic, whichever explains the course better); and of all trainings how much better a plateau explains the course than gradual change (difference of BIC; above 10 is decisive).`,
    rowHeader: 'Arm',
    columns: [{ label: 'rose' }, { label: 'end of plateau' }, { label: 'half way' }, { label: 'width' }, { label: 'BIC for a plateau' }],
    rows: view.arms.map((arm) => {
      const samples = perStep(view, arm);
      const found = courses(panel, arm.id);
      const when = halfWays(panel, arm.id);
      const rose = found.flatMap((points, i) => (when[i] === null ? [] : [{ points, steps: when[i]!, seed: view.seeds[i]! }]));
      const cell = (of: (one: (typeof rose)[number]) => number) =>
        rose.length === 0
          ? null
          : view.measured(
              rose.map((one) => [samples * of(one)]),
              null,
              rose.map(({ seed }) => seed),
            );
      return {
        label: arm.label,
        arm: arm.id,
        cells: [
          `${rose.length} of ${found.length}`,
          cell(({ points }) => points.plateau.onset),
          cell(({ steps }) => steps),
          cell(({ points }) => jumpFit(points).width),
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
    caption: `Where half of the rise is done, against ${first.label}, paired by seed: binary logarithm of the ratio, in samples and in steps; above 0 is later. Seeds in which both rose; exploratory.`,
    rowHeader: 'Arm',
    columns: [{ label: 'seeds' }, { label: 'in samples' }, { label: 'in steps' }, { label: 'in samples, by seed' }],
    rows: others.map((arm) => {
      const logs = halfWays(panel, arm.id).flatMap((steps, i) => {
        const one = known[i] ?? null;
        return steps === null || one === null ? [] : [{ log: Math.log2(steps / one), seed: view.seeds[i]! }];
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
      return {
        label: arm.label,
        arm: arm.id,
        cells: [logs.length, cell(more), cell(0), logs.map(({ log }) => formatNumber(log + more, 2)).join(', ') || null],
      };
    }),
  };
}
