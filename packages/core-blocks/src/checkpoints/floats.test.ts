import { describe, expect, it } from 'vitest';
import { decodeBfloat16, decodeFloat16, decodeFloat8, encodeFloat16 } from './floats.ts';

describe('half precision', () => {
  it.each([
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0400, 2 ** -14], // smallest normal
    [0x0001, 2 ** -24], // smallest subnormal
    [0x03ff, 1023 * 2 ** -24],
    [0x7c00, Infinity],
  ])('%i is %f, both ways', (bits, value) => {
    expect(decodeFloat16(Uint16Array.of(bits))[0]).toBe(value);
    expect(encodeFloat16(Float32Array.of(value))[0]).toBe(bits);
  });

  it.each([
    [1 + 2 ** -11, 0x3c00], // halfway between 1 and the next: to even
    [1 + 3 * 2 ** -11, 0x3c02],
    [1 + 2 ** -11 + 2 ** -20, 0x3c01],
    [2047.9999, 0x6800], // rounding carries into the exponent
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [2 ** -25, 0x0000], // half of the smallest: to even
    [2 ** -25 * 1.0001, 0x0001],
    [1023.9999 * 2 ** -24, 0x0400], // a subnormal rounds up to a normal
    [-0, 0x8000],
  ])('%f rounds to 0x%s', (value, bits) => {
    expect(encodeFloat16(Float32Array.of(value))[0]).toBe(bits);
  });

  it('comes back from every finite half unchanged, and keeps NaN', () => {
    const all = Uint16Array.from({ length: 0x10000 }, (_, i) => i).filter((bits) => (bits & 0x7c00) !== 0x7c00);
    expect(encodeFloat16(decodeFloat16(all))).toEqual(all);
    expect(decodeFloat16(encodeFloat16(Float32Array.of(Number.NaN)))[0]).toBeNaN();
  });
});

describe('bfloat16', () => {
  it('is the upper half of a float32', () => {
    expect([...decodeBfloat16(Uint16Array.of(0x3f80, 0xc000, 0x4049, 0x7f80))]).toEqual([1, -2, 3.140625, Infinity]);
  });
});

describe('8-bit floats', () => {
  // As PyTorch reads the same bytes.
  it.each<['float8e4m3fn' | 'float8e5m2', number[], number[]]>([
    [
      'float8e4m3fn',
      [0, 1, 7, 8, 0x38, 0x3c, 0x7e, 0x7f, 0x80, 0x81, 0xb8, 0xff],
      [0, 0.001953125, 0.013671875, 0.015625, 1, 1.5, 448, NaN, -0, -0.001953125, -1, NaN],
    ],
    [
      'float8e5m2',
      [0, 1, 3, 4, 0x3c, 0x3e, 0x7b, 0x7c, 0x7d, 0x80, 0xbc, 0xfc],
      [0, 1.52587890625e-5, 4.57763671875e-5, 6.103515625e-5, 1, 1.5, 57344, Infinity, NaN, -0, -1, -Infinity],
    ],
  ])('%s', (format, bytes, values) => expect([...decodeFloat8(Uint8Array.from(bytes), format)]).toEqual(values));
});
