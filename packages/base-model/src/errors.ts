export type BaseModelErrorCode = 'invalid-argument' | 'invalid-model' | 'invalid-control' | 'invalid-lora' | 'not-finite';

/** The one error class of this package. `values` holds the offending values by name. */
export class BaseModelError extends Error {
  readonly code: BaseModelErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: BaseModelErrorCode, message: string, values: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BaseModelError';
    this.code = code;
    this.values = values;
  }
}
