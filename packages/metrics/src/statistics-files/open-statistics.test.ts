import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { frechetDistance } from '../frechet/frechet-distance.ts';
import type { FeatureStatistics } from '../frechet/feature-statistics.ts';
import { openStatistics } from './open-statistics.ts';
import { writeStatistics } from './statistics-file.ts';
import { BAD_ARCHIVES, GOOD_ARCHIVES } from './testing/numpy-archives.ts';

let directory: string;
const at = (name: string) => path.join(directory, name);
const write = (name: string, data: Buffer | string): string => {
  fs.writeFileSync(at(name), data);
  return at(name);
};
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'open-statistics-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

describe('statistics of numpy', () => {
  it.each(Object.entries(GOOD_ARCHIVES))('reads %s', async (what, base64) => {
    const found = (await openStatistics(write('x.npz', Buffer.from(base64, 'base64'))))!;
    const digits = what.startsWith('float32') ? 7 : 15;
    for (const [i, value] of [1, -2.5, 0.1].entries()) expect(found.mean[i]).toBeCloseTo(value, digits);
    expect([...found.comoment.data]).toEqual([2, 0.5, 0.25, 0.5, 1, -0.125, 0.25, -0.125, 0.75]);
    expect(found).toMatchObject({ n: null, provenance: null, imageSet: null });
  });

  it.each([
    ['no sigma', 'statistics are the arrays mu and sigma; it holds mu.npy'],
    ['samples', 'it holds arr_0.npy; arr_0 holds samples, not statistics: unpack its images into a folder'],
    ['mu twice', 'holds two arrays named mu.npy'],
    ['objects', 'sigma holds Python objects, which are not read'],
    ['integers', 'mu holds numbers of type <i8; float32 and float64 are read'],
    ['a matrix for mu', 'mu has the shape (1, 3), expected (D) with D from 1 to 4096'],
    ['another size', 'sigma has the shape (3, 3), expected (2, 2) as mu has 2 numbers'],
    ['a vector for sigma', 'sigma has the shape (3), expected (3, 3)'],
    ['NaN', 'it holds NaN or infinities'],
    ['a negative variance', 'sigma is no covariance: its diagonal holds -1 at 1'],
    ['asymmetry', 'sigma is no covariance: it is not symmetric at (1, 0), 0.5 and 0.7'],
    ['a correlation of 1.5', 'sigma is no covariance: (1, 0) holds 1.5, more than the spread of both allows'],
    ['version 9', 'mu is in version 9 of the .npy format; 1 to 3 are read'],
    ['a header cut short', 'mu is cut short within its header'],
    ['numbers cut short', 'sigma takes 192 bytes, which is not what its shape (3, 3) says'],
    ['a bomb', 'sigma takes 2097352 bytes, which is not what its shape (3, 3) says'],
    ['too many dimensions', 'mu has the shape (4097), expected (D) with D from 1 to 4096'],
    ['no array', 'mu is no array in numpy\u2019s .npy format'],
  ] as const)('refuses %s by name', async (what, message) => {
    const file = write('x.npz', Buffer.from(BAD_ARCHIVES[what], 'base64'));
    await expect(openStatistics(file)).rejects.toMatchObject({
      code: 'invalid-statistics',
      message: expect.stringContaining(message) as string,
    });
    await expect(openStatistics(file)).rejects.toThrow(file);
  });

  it('refuses an archive that is damaged or none', async () => {
    const bytes = Buffer.from(GOOD_ARCHIVES.savez, 'base64');
    const damaged = Buffer.from(bytes);
    damaged[bytes.indexOf(Buffer.from(Float64Array.of(-2.5).buffer))]! ^= 1;
    await expect(openStatistics(write('damaged.npz', damaged))).rejects.toThrow('mu is damaged: its checksum is wrong');
    await expect(openStatistics(write('half.npz', bytes.subarray(0, 300)))).rejects.toThrow('is no .npz of numpy arrays');
    await expect(openStatistics(write('text.npz', 'mu'))).rejects.toThrow('is no .npz of numpy arrays');
    await expect(openStatistics(write('mu.npy', Buffer.from('\x93NUMPY\x01\0v\0', 'latin1')))).rejects.toThrow(
      'is one array of numpy\u2019s; statistics are mu and sigma together in an .npz',
    );
  });
});

describe('the Frechet distance to statistics of unknown origin', () => {
  const of = (mean: number[], data: number[]): FeatureStatistics => ({
    n: null,
    mean: Float64Array.from(mean),
    comoment: { data: Float64Array.from(data), rows: mean.length, columns: mean.length },
    provenance: null,
    imageSet: null,
  });

  it('is that of their mean and covariance', async () => {
    // Diagonal covariances: |mu1 - mu2|^2 + sum (sqrt(s1) - sqrt(s2))^2 = 9 + (1 - 2)^2 + (3 - 5)^2
    const { value, first } = await frechetDistance(of([0, 3], [1, 0, 0, 9]), of([0, 0], [4, 0, 0, 25]));
    expect(value).toBeCloseTo(14, 12);
    expect(first.n).toBeNull();
    // scipy 1.17, pytorch-fid's formula, against N(0, identity)
    const file = write('x.npz', Buffer.from(GOOD_ARCHIVES.savez, 'base64'));
    const identity = of([0, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect((await frechetDistance((await openStatistics(file))!, identity)).value).toBeCloseTo(7.57116109837926, 10);
  });

  it('is that of singular covariances, also in float32, and refuses what has negative eigenvalues', async () => {
    // Rank one: v v' with v = (1, 2, 3), stored in float32 with rounding that makes it indefinite
    const singular = of([0, 0, 0], [1, 2, 3, 2, 4, 6, 3, 6, 9]);
    const rounded = of([0, 0, 0], [1, 2 + 2e-7, 3, 2 + 2e-7, 4 - 4e-7, 6, 3, 6, 9]);
    const other = of([0, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    // tr v v' + 3 - 2 |v|
    const truth = 14 + 3 - 2 * Math.sqrt(14);
    expect((await frechetDistance(singular, other)).value).toBeCloseTo(truth, 10);
    expect((await frechetDistance(rounded, other)).value).toBeCloseTo(truth, 5);
    const indefinite = of([0, 0, 0], [1, 0.9, -0.9, 0.9, 1, 0.9, -0.9, 0.9, 1]);
    await expect(frechetDistance(indefinite, other)).rejects.toMatchObject({ code: 'invalid-statistics' });
  });
});

describe('openStatistics', () => {
  it('reads what --save-reference wrote under any name, by its content', async () => {
    const statistics = {
      n: 3,
      mean: Float64Array.of(0.1, 1 / 3),
      comoment: { data: Float64Array.of(1, 0, 0, 0.7), rows: 2, columns: 2 },
      provenance: { network: 'x', weightsHash: 'ab', preset: 'clean', dtype: 'float32' },
      imageSet: null,
    };
    for (const name of ['photos.safetensors', 'photos.stats', 'photos', 'photos.npz', 'photos.zip', 'photos.tar', 'photos.png']) {
      writeStatistics(at(name), statistics);
      expect(await openStatistics(at(name)), name).toEqual(statistics);
    }
  });

  it('leaves images to others', async () => {
    expect(await openStatistics(directory)).toBeNull();
    expect(await openStatistics(at('nowhere'))).toBeNull();
    expect(await openStatistics(write('empty.zip', Buffer.from('PK\x05\x06' + '\0'.repeat(18), 'latin1')))).toBeNull();
    expect(await openStatistics(write('photos.tar', Buffer.alloc(1024)))).toBeNull();
    await expect(openStatistics(write('x.safetensors', 'text'))).rejects.toMatchObject({ code: 'invalid-statistics' });
  });
});
