/** Between two redraws of a terminal's line. */
const REDRAW_MS = 100;
/** Between two lines where there is no terminal and the end is not known. */
const LINE_MS = 30_000;

/** What a progress is written to: process.stderr, or a test's. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Progress of one thing after the other: one line that is redrawn in a terminal, a line per tenth elsewhere (a log is no place for
 * carriage returns).
 */
export class ProgressLine {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  #last = -Infinity;
  #tenth = 0;

  constructor(stream: ProgressStream = process.stderr, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
  }

  /** `total`: null where it is not known yet. `show`: how an amount is written. */
  update(label: string, done: number, total: number | null, show: (amount: number) => string = String): void {
    const text = `${label}: ${show(done)}${total === null ? '' : ` of ${show(total)}`}`;
    const elapsed = this.#now() - this.#last;
    if (this.#stream.isTTY) {
      if (elapsed < REDRAW_MS) return;
      this.#stream.write(`\r\x1b[K${text}`);
    } else {
      const tenth = total ? Math.floor((10 * done) / total) : 0;
      if (total === null ? elapsed < LINE_MS : tenth <= this.#tenth) return;
      this.#tenth = tenth;
      this.#stream.write(`${text}\n`);
    }
    this.#last = this.#now();
  }

  /** Ends the line, with what came out. The next update begins anew. */
  end(text: string): void {
    this.#stream.write(`${this.#stream.isTTY ? '\r\x1b[K' : ''}${text}\n`);
    this.#last = -Infinity;
    this.#tenth = 0;
  }
}
