import { describe, expect, it } from 'vitest';
import { latentStatistics, normaliseLatents } from './autoencoder.ts';

describe('latent statistics', () => {
  const shape = [2, 4, 16, 16];
  const data = Float32Array.from({ length: 2 * 4 * 256 }, (_, i) => (Math.floor(i / 256) % 4) + (i % 2 === 0 ? 2 : -2));
  const latents = { data, shape };
  it('are means and standard deviations per channel', () =>
    expect(latentStatistics(latents)).toEqual({ mean: [0, 1, 2, 3], std: [2, 2, 2, 2] }));
  it('normalise to zero mean and unit variance, and back', () => {
    const statistics = latentStatistics(latents);
    const normalised = normaliseLatents(latents, statistics, 'forward');
    expect(latentStatistics(normalised)).toEqual({ mean: [0, 0, 0, 0], std: [1, 1, 1, 1] });
    expect(normaliseLatents(normalised, statistics, 'back')).toEqual(latents);
  });
});
