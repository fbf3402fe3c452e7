export type TrainingErrorCode =
  | 'invalid-options'
  | 'locked'
  | 'not-writable'
  | 'non-finite'
  | 'disk-full'
  | 'damaged-file'
  | 'config-differs'
  | 'state-differs'
  | 'batch-failed'
  | 'batch-worker-died'
  | 'batch-worker-hangs';

/** The error of this package. `values` holds the offending values by name. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError';
  readonly code: TrainingErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: TrainingErrorCode, message: string, values: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.values = values;
  }
}
