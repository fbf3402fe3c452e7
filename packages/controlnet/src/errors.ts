export type ControlNetErrorCode = 'invalid-config' | 'invalid-input' | 'unet-mismatch';

/** The one error class of this package; `details` holds the offending values. */
export class ControlNetError extends Error {
  readonly code: ControlNetErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ControlNetErrorCode, message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.name = 'ControlNetError';
    this.code = code;
    this.details = details;
  }
}
