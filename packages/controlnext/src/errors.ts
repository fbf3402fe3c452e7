export type ControlNeXtErrorCode = 'invalid-config' | 'invalid-input' | 'base-mismatch';

/** The one error class of this package; `values` holds the offending values. */
export class ControlNeXtError extends Error {
  readonly code: ControlNeXtErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: ControlNeXtErrorCode, message: string, values: Record<string, unknown> = {}) {
    super(message);
    this.name = 'ControlNeXtError';
    this.code = code;
    this.values = values;
  }
}
