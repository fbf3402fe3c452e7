import { plainText } from '@controllab/data';

/** Where progress goes: a terminal redraws one line, anything else gets a plain line now and then. */
export interface ProgressOutput {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** Stands before every line. */
  readonly name?: string;
  /**
   * When something other than a terminal gets a line: at every tenth of the way (every half minute where its length is not known), or every
   * ten seconds and at the end.
   */
  readonly plain?: 'tenths' | 'seconds';
  /** Milliseconds. */
  readonly now?: () => number;
}

/** How far something has come. */
export interface ProgressState {
  /** What is shown: "images: 3 of 8", "step 3/10  loss 0.31". */
  readonly text: string;
  readonly done: number;
  /** null: not known. */
  readonly total: number | null;
  /** Estimated from the pace so far where it is not given and the total is known. */
  readonly secondsLeft?: number;
}

const REDRAW_MS = 100;
const SECONDS_MS = 10_000;
const UNKNOWN_LENGTH_MS = 30_000;
/** An estimate from less than this would say nothing. */
const ESTIMATE_FROM_MS = 5_000;
const CLEAR_LINE = '\r\x1b[2K';

/** 75 -> "1m 15s". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const s = Math.round(seconds);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`;
  return `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}m`;
}

/**
 * The progress line of one run, or of one thing after the other. No colours and, outside a terminal, no escape codes whatever FORCE_COLOR
 * says; texts are made plain.
 */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #prefix: string;
  readonly #plain: 'tenths' | 'seconds';
  readonly #now: () => number;
  #started: number | null = null;
  #last: number | null = null;
  #tenth = 0;
  #drawn = '';

  constructor(output: ProgressOutput = process.stderr, { name, plain = 'tenths', now = () => performance.now() }: ProgressOptions = {}) {
    this.#output = output;
    this.#prefix = name === undefined ? '' : `${plainText(name)}  `;
    this.#plain = plain;
    this.#now = now;
    // Ten seconds count from here: a run that takes less says only that it has ended.
    if (plain === 'seconds' && !output.isTTY) this.#last = now();
  }

  update(state: ProgressState): void {
    const now = this.#now();
    this.#started ??= now;
    if (!this.#isDue(state, now)) return;
    this.#last = now;
    const left = state.secondsLeft ?? this.#estimate(state, now);
    const line = `${this.#prefix}${plainText(state.text)}${left === null ? '' : `  ETA ${formatDuration(left)}`}`;
    if (this.#output.isTTY) {
      this.#drawn = line.slice(0, (this.#output.columns ?? 80) - 1);
      this.#output.write(`${CLEAR_LINE}${this.#drawn}`);
    } else this.#output.write(`${line}\n`);
  }

  #isDue({ done, total }: ProgressState, now: number): boolean {
    const elapsed = this.#last === null ? Infinity : now - this.#last;
    if (this.#output.isTTY) return elapsed >= REDRAW_MS || done === total;
    if (this.#plain === 'seconds') return elapsed >= SECONDS_MS || done === total;
    if (total === null) return elapsed >= UNKNOWN_LENGTH_MS;
    const tenth = total > 0 ? Math.floor((10 * done) / total) : 0;
    if (tenth <= this.#tenth) return false;
    this.#tenth = tenth;
    return true;
  }

  #estimate({ done, total }: ProgressState, now: number): number | null {
    const elapsed = now - this.#started!;
    return total === null || done <= 0 || done >= total || elapsed < ESTIMATE_FROM_MS ? null : ((total - done) * elapsed) / done / 1000;
  }

  /** A line that stays, above the progress line. */
  message(text: string): void {
    const redraw = this.#output.isTTY && this.#drawn !== '';
    this.#output.write(`${redraw ? CLEAR_LINE : ''}${this.#prefix}${plainText(text)}\n${redraw ? this.#drawn : ''}`);
  }

  /**
   * Leaves the cursor on a fresh line: the progress line stays, or gives way to `text`, which says what came out. The next update begins
   * anew.
   */
  end(text?: string): void {
    const drawn = this.#output.isTTY && this.#drawn !== '';
    if (text !== undefined) this.#output.write(`${drawn ? CLEAR_LINE : ''}${this.#prefix}${plainText(text)}\n`);
    else if (drawn) this.#output.write('\n');
    this.#drawn = '';
    this.#started = null;
    this.#last = null;
    this.#tenth = 0;
  }
}
