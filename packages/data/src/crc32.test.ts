import { expect, it } from 'vitest';
import { crc32 } from './crc32.ts';

const ascii = (text: string) => Buffer.from(text, 'latin1');

it('is the CRC-32 of zip and PNG', () => {
  // The check value of the catalogue of CRC algorithms; that of PNG's empty IEND chunk; zlib.crc32 in Python for the others.
  expect(crc32(ascii('123456789')).toString(16)).toBe('cbf43926');
  expect(crc32(ascii('IEND')).toString(16)).toBe('ae426082');
  expect(crc32(ascii(''))).toBe(0);
  expect(crc32(ascii('The quick brown fox jumps over the lazy dog')).toString(16)).toBe('414fa339');
});

it('goes on from the bytes before', () => {
  const bytes = ascii('The quick brown fox jumps over the lazy dog');
  for (const cut of [1, 6, 40]) expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes));
});
