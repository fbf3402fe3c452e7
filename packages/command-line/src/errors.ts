export type CommandLineErrorCode = 'invalid-option';

/** The one error class of this package. Its message is a paragraph for the person at the terminal. */
export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
  readonly code: CommandLineErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: CommandLineErrorCode, message: string, values: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.values = values;
  }
}
