import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { TrainingError, isDiskFull } from './errors.ts';

/** A line of the JSONL log: one a training step, one an evaluation. */
export type LogLine =
  | { step: number; loss: number; lr: number; samples_per_second: number; wait_share: number; time: string }
  | { step: number; evaluation: Record<string, number | string | readonly number[]>; time: string };

/** The append-only JSONL log of a run. */
export class TrainingLog {
  /** Lines up to the step the run continues from. */
  readonly kept: readonly LogLine[];
  readonly #file: string;
  readonly #descriptor: number;

  /** Opens a log for a run that continues from `step`: everything later, and a line cut short, is removed first. */
  constructor(file: string, step: number) {
    this.#file = file;
    const kept: LogLine[] = [];
    if (existsSync(file)) {
      const text = readFileSync(file);
      let end = 0;
      for (let newline = text.indexOf(10); newline >= 0; newline = text.indexOf(10, end)) {
        const line = parse(text.toString('utf8', end, newline));
        if (line === null || line.step > step) break;
        kept.push(line);
        end = newline + 1;
      }
      truncateSync(file, step === 0 ? 0 : end);
    }
    this.kept = step === 0 ? [] : kept;
    this.#descriptor = openSync(file, 'a');
  }

  append(lines: readonly LogLine[]): void {
    try {
      writeSync(this.#descriptor, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      throw new TrainingError(
        'disk-full',
        `The disk is full: the log ${this.#file} could not be continued. The checkpoints are intact: free some space and run the same command again to continue from the newest.`,
        { file: this.#file },
        { cause: error },
      );
    }
  }

  /** Brings every line to the disk: called before a checkpoint, which must not be newer than its log. */
  sync(): void {
    fsyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function parse(text: string): LogLine | null {
  try {
    const line = JSON.parse(text) as LogLine;
    return typeof line.step === 'number' ? line : null;
  } catch {
    return null;
  }
}
