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

/** The one error class of this package. `values` holds the offending values. */
export class TfjsOnnxError extends Error {
  readonly code: TfjsOnnxErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: TfjsOnnxErrorCode, message: string, values: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TfjsOnnxError';
    this.code = code;
    this.values = values;
  }
}
