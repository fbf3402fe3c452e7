/** What went wrong; stable, so that callers can branch on it. */
export type TfjsOnnxErrorCode =
  | 'data-read-while-tracing'
  | 'unsupported-op'
  | 'shape-mismatch'
  | 'not-tracing'
  | 'missing-tensor'
  | 'unexpected-tensor'
  | 'unconnected-parameter'
  | 'engine-unavailable'
  | 'session';

/** The one error class of this package. `details` holds the offending values. */
export class TfjsOnnxError extends Error {
  readonly code: TfjsOnnxErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: TfjsOnnxErrorCode, message: string, details: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TfjsOnnxError';
    this.code = code;
    this.details = details;
  }
}
