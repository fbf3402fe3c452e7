import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { controlNet, controlNetLite } from '@controllab/controlnet';
import { openMini } from './open-mini.ts';

/** Of names, shapes and bytes where trainings of seed 1 start on the committed weights: a change makes every published training another. */
it.each([
  ['controlnet', controlNet(), 'e36a28425bc7022b834bf0d80abb1d03d95a19f986c8762c12b2f142227ecb1c'],
  ['controlnet-gaussian', controlNet({ connection: 'gaussian' }), 'a44f9ef37afb84d31efb0dd9239e4e9d14744ae5ed02501a986d27809d3fab22'],
  ['controlnet-lite', controlNetLite(), 'e8dea2823bf3480d8b42d902183b39336d02f8d0b21d5dddb1704643e6e685d3'],
] as const)('%s starts where it did when its results were published', (_, method, expected) => {
  const base = openMini();
  const plain = Object.entries(base.weights).flatMap(([name, t]) => (name.startsWith('unet.') ? [[name.slice('unet.'.length), t]] : []));
  const start = method.create(base.denoiser().target).initial(Object.fromEntries(plain), 1);
  const hash = createHash('sha256');
  for (const name of Object.keys(start).sort()) {
    const { data, shape } = start[name]!;
    hash
      .update(name)
      .update(shape.join())
      .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  expect(hash.digest('hex')).toBe(expected);
});
