export type DataScalingErrorCode = 'invalid-argument' | 'invalid-runs' | 'too-few-runs' | 'invalid-option' | 'not-identified';

/** The error of this package. `values` holds the offending values by name. */
export class DataScalingError extends Error {
  override readonly name = 'DataScalingError';
  readonly code: DataScalingErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: DataScalingErrorCode, message: string, values: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.values = values;
  }
}
