import type { Table } from '@controllab/report';
import type { Rollout } from '../intervals/rollout.ts';
import { NOT_KNOWN, percent, text } from './text.ts';

/**
 * How a law that was fitted to smaller runs predicts the larger ones, a row a cut.
 * @param scale what the sizes of runs are counted in
 */
export const rolloutTable = (id: string, caption: string, scale: string, rollouts: readonly Rollout[]): Table => ({
  kind: 'table',
  id,
  caption,
  rowHeader: `Fitted up to ${scale}`,
  columns: ['Runs fitted', 'Runs predicted', 'Mean error', 'Mean error with its sign', 'Largest run: predicted', 'measured'].map(
    (label) => ({ label }),
  ),
  rows: rollouts.map((one) => ({
    label: text(one.upTo),
    cells: [
      one.fitted,
      one.predicted,
      ...(one.converged ? [percent(one.error), percent(one.bias), text(one.last.predicted)] : [NOT_KNOWN, NOT_KNOWN, NOT_KNOWN]),
      text(one.last.measured),
    ],
  })),
});
