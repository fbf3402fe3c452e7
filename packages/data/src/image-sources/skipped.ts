import { DataError } from '../errors.ts';
import { plainText } from '../plain-text.ts';

/** Why a file was passed over, as it is said before its name; '' for one that is no image. */
const REASONS = {
  other: '',
  hidden: 'hidden: ',
  report: 'of a report: ',
  sheet: 'contact sheets of generate: ',
  component: 'other pictures of samples: ',
} as const;
export type SkipReason = keyof typeof REASONS;

const MAX_EXAMPLES = 5;

/** Files that were passed over: how many, the first of them, and why. */
export class Skipped {
  count = 0;
  readonly examples: string[] = [];
  readonly #byReason = new Map<SkipReason, { count: number; examples: string[] }>();

  add(reason: SkipReason, names: readonly string[]): void {
    if (names.length === 0) return;
    const known = this.#byReason.get(reason) ?? { count: 0, examples: [] };
    this.#byReason.set(reason, known);
    this.count += names.length;
    known.count += names.length;
    for (const examples of [this.examples, known.examples]) examples.push(...names.slice(0, MAX_EXAMPLES - examples.length));
  }

  /** All reasons with their first files, for a terminal or a page: `readme, hidden: .cache, .x.png, ... (12)`. */
  text(): string {
    const texts = [...this.#byReason].map(([reason, { count, examples }]) => {
      const more = count > examples.length ? `, ... (${count})` : '';
      return `${REASONS[reason]}${examples.map(plainText).join(', ')}${more}`;
    });
    return texts.join('; ');
  }
}

/** What to say of a set without images. */
export function noImages(path: string, skipped: Skipped): DataError {
  const { count } = skipped;
  const others = count === 0 ? 'it is empty' : `it holds ${count} other file${count === 1 ? '' : 's'} (${skipped.text()})`;
  return new DataError('empty-input', `there is no image in ${path}: ${others}`, { path, others: count });
}
