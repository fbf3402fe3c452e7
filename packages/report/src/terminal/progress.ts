/** Where progress goes: a terminal redraws one line, anything else gets a plain line now and then. */
export interface ProgressOutput {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export interface ProgressState {
  step: number;
  totalSteps: number;
  loss: number;
  samplesPerSecond: number;
  waitShare: number;
  secondsLeft: number;
}

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;
const CLEAR_LINE = '\r\x1b[2K';

/** 75 -> "1m 15s". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const s = Math.round(seconds);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`;
  return `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}m`;
}

/** The progress line of one run. No colours and, outside a terminal, no escape codes whatever FORCE_COLOR says. */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #name: string;
  readonly #now: () => number;
  #last: number;
  #drawn = '';

  constructor(output: ProgressOutput, name: string, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#name = name;
    this.#now = now;
    this.#last = now() - (output.isTTY ? REDRAW_MS : 0);
  }

  update({ step, totalSteps, loss, samplesPerSecond, waitShare, secondsLeft }: ProgressState): void {
    const now = this.#now();
    if (step < totalSteps && now - this.#last < (this.#output.isTTY ? REDRAW_MS : PLAIN_LINE_MS)) return;
    this.#last = now;
    const wait = waitShare >= 0.01 ? `  waiting for data ${(100 * waitShare).toFixed(0)}%` : '';
    const line = `${this.#name}  step ${step}/${totalSteps}  ${samplesPerSecond.toFixed(1)} samples/s  loss ${loss.toPrecision(4)}${wait}  ETA ${formatDuration(secondsLeft)}`;
    if (this.#output.isTTY) {
      this.#drawn = line.slice(0, (this.#output.columns ?? 80) - 1);
      this.#output.write(`${CLEAR_LINE}${this.#drawn}${step === totalSteps ? '\n' : ''}`);
      if (step === totalSteps) this.#drawn = '';
    } else this.#output.write(`${line}\n`);
  }

  /** A line that stays, above the progress line. */
  message(text: string): void {
    const redraw = this.#output.isTTY && this.#drawn !== '';
    this.#output.write(`${redraw ? CLEAR_LINE : ''}${this.#name}  ${text}\n${redraw ? this.#drawn : ''}`);
  }

  /** Leaves the cursor on a fresh line. */
  end(): void {
    if (this.#output.isTTY && this.#drawn !== '') this.#output.write('\n');
    this.#drawn = '';
  }
}
