export type MiniSdErrorCode = 'missing-weights' | 'bad-weights' | 'invalid-argument';

/** The one error class of this package. */
export class MiniSdError extends Error {
  readonly code: MiniSdErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: MiniSdErrorCode, message: string, details: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MiniSdError';
    this.code = code;
    this.details = details;
  }
}
