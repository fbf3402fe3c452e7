import type { Claim, Measurement } from '@controllab/report';
import { PAPER } from '../../paper-values.ts';
import { suddenness } from './statistics/convergence.ts';
import type { StartDifference } from '../compute/training/start.ts';
import type { ClaimText, Panel, View } from './view.ts';

/**
 * What needs no training: whether the untrained arms with these ids leave the base model's prediction as it is (zero convolutions), and
 * disturb it (Gaussian ones).
 */
export function startFacts(view: View, zero: string, gaussian: string): Claim[] {
  const { start } = view.results;
  const [before, disturbed] = [start[zero], start[gaussian]];
  const ofZero = ({ difference, values }: StartDifference): Claim =>
    view.fact(
      {
        id: 'zero-convolutions',
        ...PAPER.zeroConvolutions,
        test: 'Largest absolute difference between the base model’s prediction with and without the untrained ControlNet, over every output value. The claim asks for exactly 0.',
        quantity: 'largest difference before training, zero convolutions',
        rule: { kind: 'within', lo: 0, hi: 0 },
      },
      difference,
      values,
      { text: '0', value: 0, source: PAPER.zeroConvolutions.source },
    );
  const ofGaussian = ({ difference, values }: StartDifference): Claim =>
    view.fact(
      {
        id: 'gaussian-disturbs',
        claim: 'Gaussian-initialised convolutions disturb the locked model from the first step.',
        source: PAPER.gaussian.source,
        test: 'The same difference for the Gaussian variant; above 0 means that the prediction changed.',
        quantity: 'largest difference before training, Gaussian convolutions',
        rule: { kind: 'above', bound: 0 },
      },
      difference,
      values,
    );
  return [...(before === undefined ? [] : [ofZero(before)]), ...(disturbed === undefined ? [] : [ofGaussian(disturbed)])];
}

/** The paper's sudden convergence, by the steepest part of an arm's fidelity over training; exploratory. */
export const suddenClaim = (view: View, arm: string): Claim =>
  view.claim(
    {
      id: 'sudden-convergence',
      ...PAPER.suddenConvergence,
      test: `Share of a run’s whole rise in fidelity that falls into its steepest eighth of the steps; a steady rise gives 1/8. More than half counts as sudden. The experiment \`convergence\` fits curves to it.`,
      quantity: 'share of the rise in the steepest eighth of training, interpolated',
      rule: { kind: 'above', bound: 0.5 },
      primary: false,
      shownIn: view.panels[0]!.id('curve'),
    },
    (panel) => suddenness(view, panel, arm),
  );

/** Least effect of interest in held-out loss: what 64 scenes at 4 timesteps resolve. */
const LEAST_LOSS = 0.003;

/**
 * What counts as equal: about a fifth of what control takes off the loss. Paired differences scatter by 0.004 and more over seeds, and five
 * or six of them cannot show that two losses are closer than that, however equal they are.
 */
const EQUAL_LOSS = 0.01;

/** Rules on a difference of held-out losses: more, no more, and what counts as equal. */
export const LOSS_RULES = {
  more: { kind: 'above', bound: LEAST_LOSS },
  noMore: { kind: 'below', bound: LEAST_LOSS },
  hardlyMore: { kind: 'below', bound: EQUAL_LOSS },
  alike: { kind: 'within', lo: -EQUAL_LOSS, hi: EQUAL_LOSS },
} as const;

/** How little of a difference counts as nothing by a rule on held-out losses. */
const nothing = (rule: Claim['rule']): number => (rule.kind === 'within' ? rule.hi : rule.bound);

/**
 * A claim on held-out loss without a prompt, primary and of more loss unless it says otherwise; none where the profile takes no loss or
 * lacks an arm.
 */
export function lossClaim(
  view: View,
  text: Omit<ClaimText, 'rule' | 'primary' | 'shownIn'> & Partial<Pick<ClaimText, 'primary' | 'rule'>>,
  needs: string[],
  of: (panel: Panel) => Measurement | null,
) {
  if (view.results.heldOut === null || !needs.every((arm) => view.meant.includes(arm))) return [];
  const rule = text.rule ?? LOSS_RULES.more;
  const test = `${text.test} Held-out loss without a prompt, mean over timesteps, same noise; less than ${nothing(rule)} counts as nothing.`;
  return [view.claim({ primary: true, ...text, rule, test, shownIn: view.panels[0]!.id('held-out-loss') }, of)];
}
