import type { Verdict } from '../statistics/verdict.ts';

/** How a verdict looks: its class in page/report.css and a sign beside its word. The order is that of every count. */
export const BADGES: Readonly<Record<Verdict, { className: string; sign: string }>> = {
  reproduced: { className: 'reproduced', sign: '\u2713' },
  'not reproduced': { className: 'not-reproduced', sign: '\u2717' },
  inconclusive: { className: 'inconclusive', sign: '\u223c' },
  'not judged': { className: 'not-judged', sign: '\u2013' },
};
