import { expect, it } from 'vitest';
import { studentQuantile, upperTail } from './student-t.ts';

it('has the values of the tables', () => {
  // 97.5% quantiles of any table of the t distribution
  const table = { 1: 12.7062, 2: 4.3027, 4: 2.7764, 9: 2.2622, 18: 2.1009, 30: 2.0423 };
  for (const [degrees, value] of Object.entries(table)) expect(studentQuantile(0.975, Number(degrees))).toBeCloseTo(value, 4);
  expect(studentQuantile(0.8, 4)).toBeCloseTo(0.940965, 6);
});

it('keeps relative precision far out', () => {
  // scipy 1.17.1: stats.t.sf(10, 4), stats.t.sf(30, 19)
  expect(upperTail(10, 4) / 0.0002810018113579955).toBeCloseTo(1, 7);
  expect(upperTail(30, 19) / 9.048659208625223e-18).toBeCloseTo(1, 7);
  expect(upperTail(0, 7)).toBeCloseTo(0.5, 7);
});
