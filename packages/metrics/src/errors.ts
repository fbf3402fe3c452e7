export type MetricsErrorCode =
  | 'invalid-shape'
  | 'empty-input'
  | 'unknown-preset'
  | 'invalid-file'
  | 'invalid-option'
  | 'not-finite'
  | 'not-converged'
  | 'too-few-samples'
  | 'provenance-mismatch'
  | 'invalid-statistics'
  | 'weights-mismatch'
  | 'captions-mismatch'
  | 'duplicate-name'
  | 'file-read'
  | 'unknown-weights'
  | 'weights-missing'
  | 'checksum-mismatch'
  | 'download-failed'
  | 'missing-reference'
  | 'missing-conditions';

/** The error of this package. `values` holds the offending values by name. */
export class MetricsError extends Error {
  override readonly name = 'MetricsError';
  readonly code: MetricsErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: MetricsErrorCode, message: string, values: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.values = values;
  }
}
