import { expect, it } from 'vitest';
import { greyImage } from './grey-image.ts';

it('repeats each value in three channels', () => {
  expect(greyImage(Uint8Array.of(0, 255, 7, 8), { width: 2, height: 2 })).toEqual({
    rgb: Uint8Array.of(0, 0, 0, 255, 255, 255, 7, 7, 7, 8, 8, 8),
    width: 2,
    height: 2,
  });
});
