import { formatExact } from '../text/format-number.ts';
import type { ClaimResult } from '../model/report.ts';
import { boundsOf, type VerdictRule } from '../statistics/verdict.ts';

const MARGIN = 0.12;

/**
 * The measured interval on a line, each training as a small dot, with the region where the claim holds shaded and the paper's value as a
 * diamond: the verdict at a glance. Positions are percentages, so that the drawing follows its card's width without distortion. It repeats
 * what the card says in words and is hidden from screen readers. Nothing is drawn for a claim that was not measured.
 */
export const renderIntervalPlot = ({ measured, paper }: ClaimResult, rule: VerdictRule): string => {
  if (measured === null) return '';
  const bounds = boundsOf(rule);
  const trainings = measured.perTraining ?? [];
  const marks = [
    ...bounds,
    measured.value,
    ...trainings,
    ...(measured.interval ?? []),
    ...(paper?.value === undefined ? [] : [paper.value]),
  ];
  const lo = Math.min(...marks);
  const span = Math.max(...marks) - lo || Math.abs(lo) || 1;
  const at = (value: number): number => 100 * (MARGIN + ((value - lo) / span) * (1 - 2 * MARGIN));
  const percent = (position: number): string => `${position.toFixed(2)}%`;
  const x = (value: number): string => percent(at(value));

  const from = rule.kind === 'above' ? at(rule.bound) : rule.kind === 'within' ? at(rule.lo) : 0;
  const to = rule.kind === 'below' ? at(rule.bound) : rule.kind === 'within' ? at(rule.hi) : 100;
  const interval = measured.interval;
  return `<svg class="interval-plot" aria-hidden="true" height="52">
<rect class="holds" x="${percent(from)}" y="4" width="${percent(to - from)}" height="30"/>
<line class="axis" x1="0" x2="100%" y1="19" y2="19"/>
${bounds.map((bound) => `<line class="bound" x1="${x(bound)}" x2="${x(bound)}" y1="4" y2="34"/><text x="${x(bound)}" y="48">${formatExact(bound)}</text>`).join('')}
${interval === null ? '' : `<line class="whisker" x1="${x(interval[0])}" x2="${x(interval[1])}" y1="19" y2="19"/>${interval.map((end) => `<line class="whisker" x1="${x(end)}" x2="${x(end)}" y1="13" y2="25"/>`).join('')}`}
${paper?.value === undefined ? '' : `<svg x="${x(paper.value)}" y="19" overflow="visible"><path class="paper-mark" d="M0-6L6 0L0 6L-6 0Z"/></svg>`}
${trainings.map((value) => `<circle class="training" cx="${x(value)}" cy="19" r="3"/>`).join('')}
<circle class="point" cx="${x(measured.value)}" cy="19" r="4.5"/>
</svg>`;
};
