export type ControlNetErrorCode = 'invalid-config' | 'invalid-input' | 'unet-mismatch';

/** The one error class of this package; `values` holds the offending values. */
export class ControlNetError extends Error {
  readonly code: ControlNetErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: ControlNetErrorCode, message: string, values: Record<string, unknown> = {}) {
    super(message);
    this.name = 'ControlNetError';
    this.code = code;
    this.values = values;
  }
}
