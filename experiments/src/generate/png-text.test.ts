import sharp from 'sharp';
import { expect, it } from 'vitest';
import { withText } from './png-text.ts';

it('adds texts that readers find, ASCII or not', async () => {
  const png = await sharp(new Uint8Array(12), { raw: { width: 2, height: 2, channels: 3 } }).png().toBuffer();
  const texts = { prompt: 'a cafe\nsecond line', 'negative prompt': 'café 猫 🙂', empty: '' };
  const got = withText(png, texts);
  expect(got.includes('tEXtprompt\0a cafe') && got.includes('iTXtnegative prompt\0\0\0\0\0café 猫')).toBe(true);
  // libpng skips chunks whose checksum is wrong.
  expect(Object.fromEntries((await sharp(got).metadata()).comments!.map(({ keyword, text }) => [keyword, text]))).toMatchObject({ prompt: texts.prompt, 'negative prompt': texts['negative prompt'] });
  expect((await sharp(got).raw().toBuffer()).equals(await sharp(png).raw().toBuffer())).toBe(true);
});
