export type EmojiScenesErrorCode =
  | 'unknown-tier'
  | 'unknown-style'
  | 'invalid-argument'
  | 'split-unavailable'
  | 'missing-condition'
  | 'caption-too-long'
  | 'missing-drawing';

/** The one error this package throws on purpose: `code` says what went wrong, `values` holds the offending values. */
export class EmojiScenesError extends Error {
  readonly code: EmojiScenesErrorCode;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(code: EmojiScenesErrorCode, message: string, values: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'EmojiScenesError';
    this.code = code;
    this.values = values;
  }
}
