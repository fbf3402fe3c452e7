import { CoreBlocksError, verifySafetensors, writeSafetensors, type SafetensorsFile } from '@controllab/core-blocks';
import { MetricsError } from '../errors.ts';
import type { GatheredStatistics } from '../frechet/feature-statistics.ts';
import { PROVENANCE_FIELDS, type FeatureProvenance } from '../frechet/provenance.ts';

const FORMAT = 'feature-statistics/1';

/**
 * Writes statistics to a .safetensors file that Python reads too: `mean` [D] and `comoment` [D, D] (the covariance times n - 1) in
 * float64; count, provenance, the image set's hash and a checksum in the metadata.
 * @throws CoreBlocksError file-write
 */
export function writeStatistics(file: string, { n, mean, comoment, provenance, imageSet }: GatheredStatistics): void {
  const metadata = { format: FORMAT, n: String(n), ...pick(provenance), ...(imageSet && { imageSet: imageSet.hash }) };
  writeSafetensors(
    file,
    { mean: { data: mean, shape: [mean.length] }, comoment: { data: comoment.data, shape: [comoment.rows, comoment.columns] } },
    { metadata },
  );
}

const pick = (provenance: FeatureProvenance): FeatureProvenance =>
  Object.fromEntries(PROVENANCE_FIELDS.map((field) => [field, provenance[field]])) as unknown as FeatureProvenance;

/**
 * Reads a file of {@link writeStatistics}, to the last bit. @throws MetricsError invalid-statistics naming the file and what is wrong with
 * it
 */
export function readStatistics(file: string): GatheredStatistics {
  const fail = (message: string, values: Record<string, unknown> = {}): never => {
    throw new MetricsError('invalid-statistics', `${file}: ${message}`, { file, ...values });
  };
  let opened: SafetensorsFile;
  try {
    opened = verifySafetensors(file);
  } catch (error) {
    if (!(error instanceof CoreBlocksError)) throw error;
    throw new MetricsError('invalid-statistics', error.message, { file, reason: error.code });
  }
  const { metadata } = opened;
  if (metadata['format'] !== FORMAT)
    return fail(`these are no statistics of features: its format is '${metadata['format'] ?? 'not given'}', expected '${FORMAT}'`, {
      format: metadata['format'],
    });
  const missing = PROVENANCE_FIELDS.filter((field) => metadata[field] === undefined);
  if (missing.length > 0) return fail(`the metadata lacks ${missing.join(', ')}`, { missing });
  const n = Number(metadata['n']);
  if (!Number.isSafeInteger(n) || n < 2)
    return fail(`n must be a whole number of at least 2, got '${metadata['n'] ?? 'nothing'}'`, { n: metadata['n'] });
  const imageSet = metadata['imageSet'];
  if (imageSet !== undefined && !/^[0-9a-f]{64}$/.test(imageSet))
    return fail(`imageSet must be 64 hexadecimal digits, got '${imageSet}'`, { imageSet });
  const d = opened.header.get('mean')?.shape[0] ?? 0;
  const shapes = Object.fromEntries([...opened.header].map(([name, { dtype, shape }]) => [name, `${dtype} [${shape.join(', ')}]`]));
  if (d < 1 || shapes['mean'] !== `F64 [${d}]` || shapes['comoment'] !== `F64 [${d}, ${d}]`) {
    return fail(`expected mean F64 [D] and comoment F64 [D, D], got ${JSON.stringify(shapes)}`, { shapes });
  }
  const mean = opened.float64('mean');
  const comoment = opened.float64('comoment');
  if (![mean, comoment].every((data) => data.every(Number.isFinite))) return fail('it holds NaN or infinities');
  return {
    n,
    mean,
    comoment: { data: comoment, rows: d, columns: d },
    provenance: pick(metadata as unknown as FeatureProvenance),
    imageSet: imageSet === undefined ? null : { hash: imageSet },
  };
}
