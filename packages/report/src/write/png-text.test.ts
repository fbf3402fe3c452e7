import sharp from 'sharp';
import { expect, it } from 'vitest';
import { encodePng } from './encode-png.ts';
import { readPngText, withPngText } from './png-text.ts';

it('refuses a file that is damaged or cut short, wherever', async () => {
  const png = withPngText(await encodePng(new Uint8Array(12), 2, 2), { seed: '1', ['__proto__']: 'x' });
  expect(Object.keys(readPngText(png))).toEqual(['seed', '__proto__']);
  for (let i = 0; i < png.length; i++) {
    const damaged = Buffer.from(png);
    damaged[i]! ^= 1;
    for (const bytes of [damaged, png.subarray(0, i)])
      expect(() => readPngText(bytes), `byte ${i}`).toThrow(expect.objectContaining({ name: 'ReportError', code: 'invalid-png' }));
  }
});

it('keeps texts, and pixels as they are', async () => {
  const rgb = Uint8Array.from({ length: 2 * 3 * 3 }, (_, i) => i * 10);
  const text = { prompt: 'ein Bär ← <script>', seed: '1', 'negative prompt': 'a\nb', empty: '' };
  const png = withPngText(await encodePng(rgb, 2, 3), text);
  expect(readPngText(png)).toEqual(text);
  expect(png.includes('tEXtseed\x001') && png.includes('iTXtprompt\0\0\0\0\0ein Bär')).toBe(true);
  // libpng skips chunks whose checksum is wrong.
  expect(Object.fromEntries((await sharp(png).metadata()).comments!.map((comment) => [comment.keyword, comment.text]))).toMatchObject({
    prompt: text.prompt,
    seed: '1',
  });
  const { data } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect(new Uint8Array(data)).toEqual(rgb);
});

it('refuses a keyword that PNG cannot hold', async () => {
  const png = await encodePng(new Uint8Array(3), 1, 1);
  for (const keyword of ['', ' a', 'ä', 'x'.repeat(80)]) expect(() => withPngText(png, { [keyword]: 'b' })).toThrow('PNG keyword');
});
