export type DiffusionErrorCode = 'invalid-config' | 'invalid-shape' | 'invalid-timestep' | 'noise-required';

/** The error of this package. `values` holds the offending values by name. */
export class DiffusionError extends Error {
  override readonly name = 'DiffusionError';
  readonly code: DiffusionErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: DiffusionErrorCode, message: string, values: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.values = values;
  }
}
