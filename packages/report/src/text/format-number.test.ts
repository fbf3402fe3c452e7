import { expect, it } from 'vitest';
import { measuredText } from '../render/value.ts';
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

it('shows what is too small for six decimals, and no zero with a sign', () => {
  expect([1.3e-9, -3e-8, 4.1e-7, 1e-6, 0, -0].map(formatExact)).toEqual(['1.30e-9', '\u22123.00e-8', '4.10e-7', '0.000001', '0', '0']);
  expect(formatInterval([-1e-8, 4.12e-7], 6)).toBe('[\u22121.00e-8, 4.12e-7]');
  // Beside what six decimals show, and in a column of fewer, it is nothing.
  expect(formatInterval([-1e-8, 0.00002], 6)).toBe('[0.000000, 0.000020]');
  expect([formatInterval([0, 1e-8], 2), formatInterval([0, 0], 6)]).toEqual(['[0.00, 0.00]', '[0.000000, 0.000000]']);
  expect(measuredText({ value: 3e-7, interval: [1e-7, 5e-7] })).toBe('3.00e-7 [1.00e-7, 5.00e-7]');
});

it('rounds no end of an interval onto or across the bound that it is held against', () => {
  const shown = (value: number, lo: number, hi: number, ...bounds: number[]) => measuredText({ value, interval: [lo, hi] }, bounds);
  expect(shown(21, 0.317, 41.2, 0)).toBe('21.0 [0.3, 41.2]');
  expect(shown(21, 0.317, 41.2)).toBe('21 [0, 41]');
  expect(shown(21, 0.031, 41.2, 0)).toBe('21.00 [0.03, 41.20]');
  expect(shown(-21, -41.2, -0.317, 0)).toBe('\u221221.0 [\u221241.2, \u22120.3]');
  // Across: 0.6 is shown as 1, beyond 0.9.
  expect(shown(21, 0.6, 41.2, 0.9)).toBe('21.0 [0.6, 41.2]');
  expect(shown(0.03, 0.01, 0.0496, -0.05, 0.05)).toBe('0.0300 [0.0100, 0.0496]');
  // An end that is the bound itself, and one that three digits more do not tell from it.
  expect(shown(21, 0, 41.2, 0)).toBe('21 [0, 41]');
  expect(shown(21, 0.00001, 41.2, 0)).toBe('21.000 [0.000, 41.200]');
});

it('shortens runs of seeds', () => {
  expect(formatSeeds([1, 2, 3, 7])).toBe('1\u20133, 7');
  expect(formatSeeds([1, 2])).toBe('1, 2');
  expect(formatSeeds([5])).toBe('5');
});
