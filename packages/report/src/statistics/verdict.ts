/** What a claim predicts about a measured quantity. Bounds are least effects of interest, in the quantity's own unit. */
export type VerdictRule =
  | { readonly kind: 'above'; readonly bound: number }
  | { readonly kind: 'below'; readonly bound: number }
  | { readonly kind: 'within'; readonly lo: number; readonly hi: number };

/** The bounds of a rule, each once. */
export const boundsOf = (rule: VerdictRule): number[] => [...new Set(rule.kind === 'within' ? [rule.lo, rule.hi] : [rule.bound])];

export type Verdict = 'reproduced' | 'not reproduced' | 'inconclusive' | 'not judged';

/**
 * By an interval alone, for repeated timings, whose scatter is the machine's: reproduced if the whole interval lies where the rule says,
 * not reproduced if none of it does, inconclusive if it straddles a bound.
 */
export const intervalVerdict = ([lo, hi]: readonly [lo: number, hi: number], rule: VerdictRule): Verdict => {
  switch (rule.kind) {
    case 'above':
      return lo > rule.bound ? 'reproduced' : hi <= rule.bound ? 'not reproduced' : 'inconclusive';
    case 'below':
      return hi < rule.bound ? 'reproduced' : lo >= rule.bound ? 'not reproduced' : 'inconclusive';
    case 'within':
      return lo >= rule.lo && hi <= rule.hi ? 'reproduced' : hi < rule.lo || lo > rule.hi ? 'not reproduced' : 'inconclusive';
  }
};

/**
 * A fact is exact: it holds or it does not. Where it was found several times, `interval` runs from the least to the greatest value found,
 * and both have to hold.
 */
export const factVerdict = (value: number, interval: readonly [lo: number, hi: number] | null, rule: VerdictRule): Verdict => {
  const holds = [value, ...(interval ?? [])].every((found) => intervalVerdict([found, found], rule) === 'reproduced');
  return holds ? 'reproduced' : 'not reproduced';
};
