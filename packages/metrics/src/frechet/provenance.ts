import { MetricsError } from '../errors.ts';

/**
 * What features were computed with. Statistics whose provenance differs describe different things: they are neither compared nor merged.
 */
export interface FeatureProvenance {
  /** The network's name, as it stands in a score's name. */
  network: string;
  /** sha256 of its weights. */
  weightsHash: string;
  /** Name of the preprocessing: resize kernel and range. */
  preset: string;
  /** Arithmetic of the network: float32, float16, .. */
  dtype: string;
}

/** Of statistics that do not leave the call that made them. */
export const NOT_NAMED: FeatureProvenance = { network: '', weightsHash: '', preset: '', dtype: '' };

export const PROVENANCE_FIELDS = ['network', 'weightsHash', 'preset', 'dtype'] as const satisfies readonly (keyof FeatureProvenance)[];

/** What two sets of features were made with that is not the same. */
export const differingFields = (a: FeatureProvenance, b: FeatureProvenance): (keyof FeatureProvenance)[] =>
  PROVENANCE_FIELDS.filter((field) => a[field] !== b[field]);

/**
 * Statistics that do not say what made them are let through: whoever shows a number of theirs says so beside it.
 * @throws MetricsError provenance-mismatch naming every field that differs, with both values
 */
export function checkSameProvenance(what: string, a: FeatureProvenance | null, b: FeatureProvenance | null): void {
  if (a === null || b === null) return;
  const differing = differingFields(a, b);
  if (differing.length === 0) return;
  const list = differing.map((field) => `${field} '${a[field]}' and '${b[field]}'`).join('; ');
  throw new MetricsError('provenance-mismatch', `Error in ${what}: the features were made in different ways: ${list}`, {
    fields: differing,
    first: a,
    second: b,
  });
}
