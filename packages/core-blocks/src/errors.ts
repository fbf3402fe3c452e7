/** What went wrong; `values` of a {@link CoreBlocksError} holds the offending values. */
export type CoreBlocksErrorCode =
  | 'parameter-unbound'
  | 'parameters-mismatch'
  | 'duplicate-parameter'
  | 'invalid-config'
  | 'invalid-input'
  | 'invalid-counter'
  | 'safetensors-invalid'
  | 'safetensors-checksum'
  | 'tensor-not-found'
  | 'state-dict-mismatch'
  | 'invalid-file'
  | 'file-read'
  | 'file-write';

/** The one error class of this package. */
export class CoreBlocksError extends Error {
  readonly code: CoreBlocksErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: CoreBlocksErrorCode, message: string, values: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CoreBlocksError';
    this.code = code;
    this.values = values;
  }
}
