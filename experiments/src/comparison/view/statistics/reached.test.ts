import { expect, it } from 'vitest';
import { reached } from './reached.ts';

const steps = [0, 10, 20, 30];

it('interpolates where a quantity first reaches a target, rising or falling', () => {
  expect(reached(steps, [0.1, 0.3, 0.9, 0.2], 0.6)).toEqual({ steps: 15, censored: false });
  expect(reached(steps, [40, 30, 10, 50], 20)).toEqual({ steps: 15, censored: false });
  expect(reached(steps, [0.1, 0.3, 0.9, 1], 0.3)).toEqual({ steps: 10, censored: false });
});

it('says where it never did, and where it was there from the start', () => {
  expect(reached(steps, [0.1, 0.2, 0.1, 0.3], 0.6)).toEqual({ steps: 30, censored: true });
  expect(reached(steps, [40, 30, 25, 21], 20)).toEqual({ steps: 30, censored: true });
  expect(reached(steps, [0.6, 0.1, 0.1, 0.1], 0.6)).toEqual({ steps: 0, censored: false });
});
