import path from 'node:path';
import { zipOf } from '@controllab/data/testing/zip';
import { openStatistics } from '@controllab/metrics';
import type { Target } from '../target.ts';
import { refusal } from './tensor-files.ts';

/** An array of doubles in numpy's .npy format. */
function npy(shape: string, numbers: readonly number[], padding = 10): Buffer {
  const header = Buffer.from(`{'descr': '<f8', 'fortran_order': False, 'shape': (${shape}), }${' '.repeat(padding)}\n`);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, header, Buffer.from(Float64Array.from(numbers).buffer)]);
}

const MU = npy('2,', [0.5, -3]);
const SIGMA = npy('2, 2', [2, 0.25, 0.25, 1]);

const npz = (mu: Buffer, sigma: Buffer, claimed = sigma.length): Buffer =>
  zipOf([
    { name: 'mu.npy', data: mu, stored: true },
    { name: 'sigma.npy', data: sigma, claimed },
  ]);

/** Statistics as pytorch-fid, TTUR, clean-fid and ADM hand them around. */
export const npzStatistics: Target = {
  name: 'npz',
  samples: async () => [npz(MU, SIGMA)],
  place: async (folder) => path.join(folder, 'reference.npz'),
  inner: { text: false, open: () => SIGMA, close: (sigma) => npz(MU, Buffer.from(sigma)) },
  hostile: () => [
    npz(npy('1000000000,', [0.5, -3]), SIGMA),
    npz(npy('2,'.repeat(5000), [0.5, -3]), SIGMA),
    npz(npy('2,', [0.5, -3], 65_000), Buffer.concat([SIGMA, Buffer.alloc(300 * 2 ** 20)])),
    npz(MU, Buffer.concat([SIGMA, Buffer.alloc(300 * 2 ** 20)]), SIGMA.length),
    npz(MU, npy('2, 2', [2, 3, 3, 1])),
    zipOf([MU, MU, SIGMA].map((data, i) => ({ name: i < 2 ? 'mu.npy' : 'sigma.npy', data }))),
    zipOf([
      { name: 'mu.npy', data: MU, flags: 1 },
      { name: 'sigma.npy', data: SIGMA },
    ]),
  ],
  read: async (file) => {
    const statistics = await openStatistics(file);
    // As evaluate does, which then looks for images in it.
    if (statistics === null) throw refusal('no statistics');
    const { n, mean, comoment, provenance } = statistics;
    return {
      structure: JSON.stringify([n, mean.length, comoment.rows, comoment.columns, provenance]),
      payload: [...mean, ...comoment.data].join(),
    };
  },
};
