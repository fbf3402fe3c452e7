import { expect, it } from 'vitest';
import { isThousands, readNumber } from './numbers.ts';

it('a field is a positive decimal number, or says what is wrong', () => {
  const read = (field: string) => readNumber(field, { decimalComma: false });
  expect(['7', ' 2.5 ', '+1e9', '1.5E-3', '.5', '6.'].map(read)).toEqual([7, 2.5, 1e9, 1.5e-3, 0.5, 6]);
  for (const field of ['0x10', '0b101', '0o17', '', ' ', '0', '-3', 'nan', 'Infinity', '1e999'])
    expect(read(field)).toBe(`is "${field}", not a positive number`);
  for (const field of ['1,234,567', '1 000', '1.234,5', '2,58', '1.234.567', '1_000'])
    expect(read(field)).toBe(`is "${field}": write it with a decimal point and without thousands separators`);
});

it('a comma may be the decimal point where it separates no fields', () => {
  const read = (field: string) => readNumber(field, { decimalComma: true });
  expect(['2,58', ',5', '1,5e9'].map(read)).toEqual([2.58, 0.5, 1.5e9]);
  expect(read('1,234,567')).toMatch(/thousands separators/);
  expect(['10.000', '100,000', '1000,000', '0.125', '0,125', '10.00', '10', '1.000.000'].map(isThousands)).toEqual([
    ...[true, true],
    ...[false, false, false, false, false, false],
  ]);
});
