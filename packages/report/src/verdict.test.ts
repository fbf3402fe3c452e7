import { expect, it } from 'vitest';
import { verdict } from './verdict.ts';

it('reads a one-sided claim off the interval', () => {
  const above = { kind: 'above', bound: 0 } as const;
  expect(verdict([0.1, 0.4], above)).toBe('reproduced');
  expect(verdict([-0.1, 0.4], above)).toBe('inconclusive');
  expect(verdict([0, 0.4], above)).toBe('inconclusive');
  expect(verdict([-0.4, -0.1], above)).toBe('not reproduced');
  expect(verdict([-0.4, 0], above)).toBe('not reproduced');
  const below = { kind: 'below', bound: 2 } as const;
  expect(verdict([1, 1.9], below)).toBe('reproduced');
  expect(verdict([1, 2], below)).toBe('inconclusive');
  expect(verdict([2, 3], below)).toBe('not reproduced');
});

it('needs the whole interval inside the margin for equivalence', () => {
  const within = { kind: 'within', lo: -1, hi: 1 } as const;
  expect(verdict([-1, 1], within)).toBe('reproduced');
  expect(verdict([-1.1, 0], within)).toBe('inconclusive');
  expect(verdict([-3, 3], within)).toBe('inconclusive');
  expect(verdict([1.1, 2], within)).toBe('not reproduced');
});

it('is inconclusive without an interval', () => {
  expect(verdict(null, { kind: 'above', bound: 0 })).toBe('inconclusive');
});
