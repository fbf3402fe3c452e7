export type ExperimentErrorCode =
  | 'invalid-option'
  | 'invalid-model'
  | 'invalid-image'
  | 'invalid-answers'
  | 'locked'
  | 'disk-full'
  | 'store-damaged'
  | 'store-not-writable'
  | 'measurement-failed'
  | 'slurm-missing'
  | 'slurm-refused';

/** The one error class of the experiments. Its message is a paragraph for the person at the terminal. */
export class ExperimentError extends Error {
  readonly code: ExperimentErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: ExperimentErrorCode, message: string, values: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ExperimentError';
    this.code = code;
    this.values = values;
  }
}

/** Thrown where a signal asked the work to stop: what is computed is stored, and the same command goes on from there. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor() {
    super('interrupted: the same command continues from here');
  }
}
