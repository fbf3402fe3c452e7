import yauzl from 'yauzl';
import { crc32, unpackedEntry } from '@controllab/data';
import { MetricsError } from '../errors.ts';
import type { FeatureStatistics } from '../frechet/feature-statistics.ts';
import { npyCount, npyHeader, npyNumbers, NPY_HEAD_BYTES, type NpyHeader } from './npy.ts';

/** Most dimensions of features: of Inception 2048, of VGG 4096. Their covariance takes 134 MB. */
const MAX_DIMENSION = 4096;
/** Arrays of an .npz that are listed in messages, and most that there may be. */
const [LISTED, MAX_ENTRIES] = [8, 1000];

/** By how much a covariance may be asymmetric, or correlations exceed one, of the spread of its dimensions. */
const TOLERANCE = 1e-3;

type Fail = (why: string, values?: Record<string, unknown>) => never;

/** The .npy files of a zip by name; null for a file that is no zip or a zip without any. @throws MetricsError invalid-statistics */
export async function npyEntries(file: string): Promise<Map<string, yauzl.Entry> | null> {
  const zip = await open(file).catch(() => null);
  if (zip === null) return null;
  try {
    const entries = new Map<string, yauzl.Entry>();
    await new Promise<void>((resolve, reject) => {
      let count = 0;
      zip
        .on('error', reject)
        .on('end', resolve)
        .on('entry', (entry: yauzl.Entry) => {
          const { fileName: name } = entry;
          if (entries.has(name)) reject(new MetricsError('invalid-statistics', `${file} holds two arrays named ${name}`, { file, name }));
          if (name.endsWith('.npy') && entries.size < MAX_ENTRIES) entries.set(name, entry);
          // A zip of many files is one of images.
          if (++count < MAX_ENTRIES) zip.readEntry();
          else resolve();
        });
      zip.readEntry();
    });
    return entries.size === 0 ? null : entries;
  } catch (error) {
    if (error instanceof MetricsError) throw error;
    return null;
  } finally {
    zip.close();
  }
}

const open = (file: string): Promise<yauzl.ZipFile> =>
  new Promise((resolve, reject) => {
    yauzl.open(file, { lazyEntries: true, autoClose: false }, (error, zip) => (error ? reject(error) : resolve(zip)));
  });

/**
 * The statistics of an .npz as pytorch-fid, TTUR, clean-fid and ADM hand them around: `mu` [D] and `sigma` [D, D], the covariance. They do
 * not say what made them nor of how many images they are: both are null. Other arrays, such as ADM's `mu_s`, are passed over. `sigma` is
 * unpacked only if it has the size that `mu` asks for.
 * @throws MetricsError invalid-statistics naming the file, the array and what is wrong with it
 */
export async function readNpz(file: string, entries: ReadonlyMap<string, yauzl.Entry>): Promise<FeatureStatistics> {
  const fail: Fail = (why, values) => {
    throw new MetricsError('invalid-statistics', `${file}: ${why}`, { file, ...values });
  };
  const names = [...entries.keys()];
  for (const name of ['mu', 'sigma'])
    if (!entries.has(`${name}.npy`)) {
      const images = names.includes('arr_0.npy') ? '; arr_0 holds samples, not statistics: unpack its images into a folder' : '';
      fail(
        `statistics are the arrays mu and sigma; it holds ${names.slice(0, LISTED).join(', ')}${names.length > LISTED ? ', ...' : ''}${images}`,
      );
    }
  const zip = await open(file);
  try {
    const mean = await readArray(zip, file, entries.get('mu.npy')!, ({ shape }) => {
      if (shape.length !== 1 || shape[0]! < 1 || shape[0]! > MAX_DIMENSION)
        fail(`mu has the shape (${shape.join(', ')}), expected (D) with D from 1 to ${MAX_DIMENSION}`, { shape });
    });
    const d = mean.length;
    const sigma = await readArray(zip, file, entries.get('sigma.npy')!, ({ shape }) => {
      if (shape.length !== 2 || shape[0] !== d || shape[1] !== d)
        fail(`sigma has the shape (${shape.join(', ')}), expected (${d}, ${d}) as mu has ${d} numbers`, { shape });
    });
    if (![mean, sigma].every((data) => data.every(Number.isFinite))) fail('it holds NaN or infinities');
    checkCovariance(sigma, d, fail);
    return { n: null, mean, comoment: { data: sigma, rows: d, columns: d }, provenance: null, imageSet: null };
  } finally {
    zip.close();
  }
}

/** Reads an array once its header pleases `check` and the archive's list gives it the size that the header says. */
async function readArray(zip: yauzl.ZipFile, file: string, entry: yauzl.Entry, check: (header: NpyHeader) => void): Promise<Float64Array> {
  const what = `${file}: ${entry.fileName.replace(/\.npy$/, '')}`;
  const invalid = (why: string): MetricsError => new MetricsError('invalid-statistics', `${what} ${why}`, { file, name: entry.fileName });
  if (entry.isEncrypted()) throw invalid('is encrypted');
  const header = npyHeader(what, await unpacked(zip, entry, invalid, NPY_HEAD_BYTES));
  check(header);
  if (entry.uncompressedSize !== header.offset + npyCount(header) * header.bytes)
    throw invalid(`takes ${entry.uncompressedSize} bytes, which is not what its shape (${header.shape.join(', ')}) says`);
  const bytes = await unpacked(zip, entry, invalid);
  if (crc32(bytes) !== entry.crc32) throw invalid('is damaged: its checksum is wrong');
  return npyNumbers(what, bytes, header);
}

/** An entry's bytes, or its first ones. */
async function unpacked(zip: yauzl.ZipFile, entry: yauzl.Entry, invalid: (why: string) => MetricsError, most = Infinity): Promise<Buffer> {
  try {
    return await unpackedEntry(zip, entry, most);
  } catch (error) {
    throw invalid(`cannot be unpacked: ${(error as Error).message}`);
  }
}

/** What holds of every covariance. Rounding to float32 and a sum in another order leave small asymmetries: the halves are averaged. */
function checkCovariance(sigma: Float64Array, d: number, fail: Fail): void {
  let largest = 0;
  for (let i = 0; i < d; i++) {
    if (sigma[i * d + i]! < 0) fail(`sigma is no covariance: its diagonal holds ${sigma[i * d + i]} at ${i}`);
    largest = Math.max(largest, sigma[i * d + i]!);
  }
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) {
      const [lower, upper] = [sigma[i * d + j]!, sigma[j * d + i]!];
      const spread = Math.sqrt(sigma[i * d + i]! * sigma[j * d + j]!);
      const slack = TOLERANCE * spread + 1e-9 * largest;
      if (Math.abs(lower - upper) > slack) fail(`sigma is no covariance: it is not symmetric at (${i}, ${j}), ${lower} and ${upper}`);
      if (Math.abs(lower) > spread + slack)
        fail(`sigma is no covariance: (${i}, ${j}) holds ${lower}, more than the spread of both allows`);
      sigma[i * d + j] = sigma[j * d + i] = (lower + upper) / 2;
    }
  }
}
