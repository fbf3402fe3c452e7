import sharp from 'sharp';
import { expect, it } from 'vitest';
import { encodePng } from './encode-png.ts';
import { readPngText, withPngText } from './png-text.ts';

it('keeps texts, and pixels as they are', async () => {
  const rgb = Uint8Array.from({ length: 2 * 3 * 3 }, (_, i) => i * 10);
  const text = { prompt: 'ein Bär ← <script>', seed: '1' };
  const png = withPngText(await encodePng(rgb, 2, 3), text);
  expect(readPngText(png)).toEqual(text);
  const { data } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect(new Uint8Array(data)).toEqual(rgb);
});

it('checksums chunks as PNG does', async () => {
  // sharp writes IEND last; its CRC is fixed by the specification.
  const png = withPngText(await encodePng(new Uint8Array(3), 1, 1), {});
  expect(png.subarray(-4).toString('hex')).toBe('ae426082');
  const { comments } = await sharp(withPngText(png, { a: 'b' })).metadata();
  expect(comments).toEqual([{ keyword: 'a', text: 'b' }]);
});

it('refuses a keyword that PNG cannot hold', async () => {
  const png = await encodePng(new Uint8Array(3), 1, 1);
  for (const keyword of ['', ' a', 'ä', 'x'.repeat(80)]) expect(() => withPngText(png, { [keyword]: 'b' })).toThrow('PNG keyword');
});
