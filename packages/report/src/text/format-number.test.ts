import { expect, it } from 'vitest';
import { decimalsFor, formatExact, formatInterval, formatNumber, formatSeeds } from './format-number.ts';

it('picks decimals from the precision', () => {
  expect([0.034, 0.99, 1, 12, 340, 0, 1e-12].map(decimalsFor)).toEqual([3, 2, 1, 0, 0, 0, 6]);
});

it('formats numbers for readers', () => {
  expect(formatNumber(1234.5678, 2)).toBe('1,234.57');
  expect(formatNumber(-0.25, 2)).toBe('\u22120.25');
  expect(formatNumber(-0.001, 2)).toBe('0.00');
  expect(formatExact(361279120)).toBe('361,279,120');
  expect(formatExact(-0.18215)).toBe('\u22120.18215');
  expect(formatInterval([-1, 2], 1)).toBe('[\u22121.0, 2.0]');
});

it('shortens runs of seeds', () => {
  expect(formatSeeds([1, 2, 3, 7])).toBe('1\u20133, 7');
  expect(formatSeeds([1, 2])).toBe('1, 2');
  expect(formatSeeds([5])).toBe('5');
});
