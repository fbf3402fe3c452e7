import type { Claim } from '../model/report.ts';
import type { Verdict } from '../statistics/verdict.ts';
import { BADGES } from './badges.ts';

/** What the results of a claim are counted among: a fact would have its verdict without any training. */
export type Kind = 'primary' | 'timings' | 'facts' | 'exploratory';

const KINDS: readonly Kind[] = ['primary', 'timings', 'facts', 'exploratory'];

export const kindOf = ({ basis, primary }: Pick<Claim, 'basis' | 'primary'>): Kind =>
  basis === 'fact' ? 'facts' : basis === 'rounds' ? 'timings' : primary ? 'primary' : 'exploratory';

/** The results of one kind: how many, and how many of each verdict that is among them. */
export interface Tally {
  readonly kind: Kind;
  readonly total: number;
  readonly verdicts: readonly (readonly [verdict: Verdict, count: number])[];
}

/** Results counted by kind, what was written down before the run first. */
export const tallies = (results: readonly { readonly kind: Kind; readonly verdict: Verdict }[]): Tally[] =>
  KINDS.flatMap((kind) => {
    const of = results.filter((result) => result.kind === kind);
    const verdicts = (Object.keys(BADGES) as Verdict[]).flatMap((verdict) => {
      const count = of.filter((result) => result.verdict === verdict).length;
      return count === 0 ? [] : [[verdict, count] as const];
    });
    return of.length === 0 ? [] : [{ kind, total: of.length, verdicts }];
  });
