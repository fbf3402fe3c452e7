export type MiniSdErrorCode = 'missing-weights' | 'bad-weights' | 'invalid-argument' | 'locked';

/** The one error class of this package. */
export class MiniSdError extends Error {
  readonly code: MiniSdErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: MiniSdErrorCode, message: string, values: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MiniSdError';
    this.code = code;
    this.values = values;
  }
}
