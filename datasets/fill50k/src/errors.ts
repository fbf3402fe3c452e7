export type Fill50kErrorCode = 'invalid-argument' | 'missing-condition' | 'not-empty';

/** The one error class of this package. `values` holds the offending values by name. */
export class Fill50kError extends Error {
  override readonly name = 'Fill50kError';
  readonly code: Fill50kErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: Fill50kErrorCode, message: string, values: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.values = values;
  }
}
