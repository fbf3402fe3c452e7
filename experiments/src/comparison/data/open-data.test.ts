import { expect, it } from 'vitest';
import { openComparedData } from './open-data.ts';

it('emoji scenes are refused for a base that draws at another size, before anything is computed', async () => {
  const on = (pixels: number) => ({ base: { pixels }, style: 'openmoji' }) as const;
  await expect(openComparedData('emoji-scenes', on(512))).rejects.toThrow(
    'emoji scenes have 64 x 64 pixels, and so do the networks that judge them; the base draws 512 x 512: give --base one of that size',
  );
  expect((await openComparedData('emoji-scenes', on(64))).dataset.length).toBeGreaterThan(1e6);
});
