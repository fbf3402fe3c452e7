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
  | 'invalid-text';

/** The error of this package: `code` for programs, `message` for people, `details` with the offending values. */
export class ReportError extends Error {
  readonly code: ReportErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ReportErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'ReportError';
    this.code = code;
    this.details = details;
  }
}
