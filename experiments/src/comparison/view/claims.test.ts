import { expect, it } from 'vitest';
import type { Measurement } from '@controllab/report';
import { LOSS_RULES, lossClaim } from './claims.ts';
import type { View } from './view.ts';

// Claims were registered with these numbers, and are judged by them: docs/preregistration.md, "Bounds", and "0.003 is the least effect, and
// 0.01 counts as equal".
it('losses are judged by the bounds that were registered', () => {
  expect(LOSS_RULES).toEqual({
    more: { kind: 'above', bound: 0.003 },
    noMore: { kind: 'below', bound: 0.003 },
    hardlyMore: { kind: 'below', bound: 0.01 },
    alike: { kind: 'within', lo: -0.01, hi: 0.01 },
  });
});

const measured: Measurement = { value: 0.02, interval: [0.01, 0.03], n: 5, method: 'made up', seeds: [] };
const text = { id: 'loss-lite', claim: 'It loses.', source: 'CN 4.2', test: 'Lite minus ControlNet.', quantity: 'difference' };

/** A run of two arms; what it makes of a claim is the text that it gets. */
const view = (heldOut: object | null = {}): View =>
  ({
    results: { heldOut },
    meant: ['proposed', 'lite'],
    panels: [{ id: (name: string) => `canny-${name}` }],
    claim: (given: object, of: (panel: unknown) => unknown) => ({ ...given, result: of(null) }),
  }) as unknown as View;

it('a claim on loss is primary, of more loss by the least effect, and says so', () => {
  expect(lossClaim(view(), text, ['proposed', 'lite'], () => measured)).toEqual([
    {
      ...text,
      primary: true,
      rule: { kind: 'above', bound: 0.003 },
      test: 'Lite minus ControlNet. Held-out loss without a prompt, mean over timesteps, same noise; less than 0.003 counts as nothing.',
      shownIn: 'canny-held-out-loss',
      result: measured,
    },
  ]);
});

it.each([
  ['noMore', 0.003],
  ['hardlyMore', 0.01],
  ['alike', 0.01],
] as const)('or of the rule that it gives: %s', (rule, nothing) => {
  const [claim] = lossClaim(view(), { ...text, rule: LOSS_RULES[rule], primary: false }, ['lite'], () => measured);
  expect(claim).toMatchObject({ primary: false, rule: LOSS_RULES[rule] });
  expect(claim!.test).toMatch(new RegExp(`; less than ${nothing} counts as nothing\\.$`));
});

it('there is none where the profile takes no loss, or lacks an arm', () => {
  expect(lossClaim(view(null), text, ['lite'], () => measured)).toEqual([]);
  expect(lossClaim(view(), text, ['lite', 'gaussian'], () => measured)).toEqual([]);
});
