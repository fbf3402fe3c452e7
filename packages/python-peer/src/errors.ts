export type PythonPeerErrorCode = 'missing-modules' | 'unusable-python' | 'peer-ended' | 'peer-failed';

/** The error of this package. `values` holds the offending values by name. */
export class PythonPeerError extends Error {
  override readonly name = 'PythonPeerError';
  readonly code: PythonPeerErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: PythonPeerErrorCode, message: string, values: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.values = values;
  }
}
