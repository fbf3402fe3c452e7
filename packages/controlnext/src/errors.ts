export type ControlNeXtErrorCode = 'invalid-config' | 'invalid-input' | 'nothing-selected' | 'base-mismatch';

/** The one error class of this package; `details` holds the offending values. */
export class ControlNeXtError extends Error {
  readonly code: ControlNeXtErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ControlNeXtErrorCode, message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.name = 'ControlNeXtError';
    this.code = code;
    this.details = details;
  }
}
