/** What a claim predicts about a measured quantity. Bounds are in the quantity's own unit. */
export type VerdictRule =
  | { readonly kind: 'above'; readonly bound: number }
  | { readonly kind: 'below'; readonly bound: number }
  | { readonly kind: 'within'; readonly lo: number; readonly hi: number };

export type Verdict = 'reproduced' | 'not reproduced' | 'inconclusive';

/**
 * Whether a claim holds, from the interval alone: reproduced if the whole interval lies where the rule says, not reproduced if none of it
 * does, inconclusive if it straddles a bound or there is no interval. `within` is an equivalence test: failing to find a difference never
 * counts as equality.
 */
export const verdict = (interval: readonly [lo: number, hi: number] | null, rule: VerdictRule): Verdict => {
  if (interval === null) return 'inconclusive';
  const [lo, hi] = interval;
  switch (rule.kind) {
    case 'above':
      return lo > rule.bound ? 'reproduced' : hi <= rule.bound ? 'not reproduced' : 'inconclusive';
    case 'below':
      return hi < rule.bound ? 'reproduced' : lo >= rule.bound ? 'not reproduced' : 'inconclusive';
    case 'within':
      return lo >= rule.lo && hi <= rule.hi ? 'reproduced' : hi < rule.lo || lo > rule.hi ? 'not reproduced' : 'inconclusive';
  }
};
