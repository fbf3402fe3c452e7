import type { Table } from '@controllab/report';
import { changeOf, plateauEvidence, type ChangePoints } from '../statistics/change-points.ts';
import type { Panel, View } from '../view.ts';
import { perStep } from './trainings.ts';

/** What each training of an arm went through: change points of its fidelity over the evaluated steps. */
export const courses = (panel: Panel, arm: string): ChangePoints[] => panel.trainings(arm).map(({ curve }) => changeOf(curve));

/** When and how fast fidelity changes, arm by arm: means over trainings of what the fits say. */
export function changePointTable(view: View, panel: Panel): Table {
  return {
    kind: 'table',
    id: panel.id('change-points'),
    caption:
      'Change points of fidelity over training, in samples: where the plateau ends, where half of the rise is done and how long it takes from a tenth to nine tenths (logistic), and how much better a plateau explains the course than gradual change (difference of BIC; above 10 is decisive).',
    rowHeader: 'Arm',
    columns: [{ label: 'end of plateau' }, { label: 'midpoint' }, { label: 'width' }, { label: 'BIC for a plateau' }],
    rows: view.arms.map((arm) => {
      const samples = perStep(view, arm);
      const found = courses(panel, arm.id);
      const cell = (of: (points: ChangePoints) => number) => view.measured(found.map((points) => [of(points)]));
      return {
        label: arm.label,
        arm: arm.id,
        cells: [
          cell(({ plateau }) => samples * plateau.onset),
          cell(({ logistic }) => samples * logistic.midpoint),
          cell(({ logistic }) => samples * logistic.width),
          cell(plateauEvidence),
        ],
      };
    }),
  };
}
