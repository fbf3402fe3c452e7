export type DataErrorCode =
  | 'invalid-argument'
  | 'invalid-counter'
  | 'invalid-dataset'
  | 'invalid-shape'
  | 'empty-input'
  | 'file-read'
  | 'file-write'
  | 'invalid-archive'
  | 'unsupported-archive'
  | 'archive-limit'
  | 'duplicate-name'
  | 'invalid-image'
  | 'unsupported-image'
  | 'image-too-large'
  | 'invalid-text'
  | 'invalid-captions'
  | 'ambiguous-component'
  | 'captions-mismatch'
  | 'invalid-columns'
  | 'invalid-row'
  | 'data-changed'
  | 'ambiguous-format'
  | 'outside';

/** The one error class of this package. `values` holds the offending values by name. */
export class DataError extends Error {
  override readonly name = 'DataError';
  readonly code: DataErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: DataErrorCode, message: string, values: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.values = values;
  }
}
