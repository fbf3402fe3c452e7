/** What can be wrong with the data handed to this package. */
export type ReportErrorCode =
  | 'empty-samples'
  | 'length-mismatch'
  | 'non-finite'
  | 'bad-interval'
  | 'bad-id'
  | 'duplicate-id'
  | 'bad-shape'
  | 'bad-image'
  | 'invalid-text'
  | 'invalid-png'
  | 'foreign-files'
  | 'locked'
  | 'bad-report';

/** The error of this package: `code` for programs, `message` for people, `values` with the offending values. */
export class ReportError extends Error {
  readonly code: ReportErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: ReportErrorCode, message: string, values: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'ReportError';
    this.code = code;
    this.values = values;
  }
}
