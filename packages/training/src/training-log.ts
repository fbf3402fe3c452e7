import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { isDiskFull, sha256 } from '@controllab/data';
import { TrainingError } from './errors.ts';

/** A line of the JSONL log: one a training step, one an evaluation. */
export type LogLine =
  | { step: number; loss: number; lr: number; samples_per_second: number; wait_share: number; time: string }
  | { step: number; evaluation: Record<string, number | string | readonly number[]>; time: string };

/** Of a log without lines. */
const NO_LINES = '';
/** Every line ends with the checksum of itself and of all lines before it: none can be changed, lost or moved unnoticed. */
const CHECK = /,"check":"([0-9a-f]{16})"\}$/;

const chained = (previous: string, text: string): string => sha256(`${previous}\n${text}`).slice(0, 16);

/** The mark behind a line: of what a run that is killed and resumed has in common with one that is not, which is all but the times. */
const markBehind = (previous: string, line: LogLine): string =>
  chained(previous, JSON.stringify('loss' in line ? [line.step, line.loss, line.lr] : [line.step, line.evaluation]));

/** A line with its mark, its checksum, and where it ends in the file, in bytes. */
interface StoredLine {
  readonly line: LogLine;
  readonly mark: string;
  readonly check: string;
  readonly end: number;
}

/** The lines from the first on that are as they were written. */
function intactLines(file: string): StoredLine[] {
  const lines: StoredLine[] = [];
  if (!existsSync(file)) return lines;
  const text = readFileSync(file);
  let [start, previous, mark] = [0, NO_LINES, NO_LINES];
  for (let newline = text.indexOf(10); newline >= 0; newline = text.indexOf(10, start)) {
    const stored = text.toString('utf8', start, newline);
    const check = CHECK.exec(stored)?.[1];
    const body = stored.replace(CHECK, '}');
    if (check === undefined || chained(previous, body) !== check) break;
    start = newline + 1;
    previous = check;
    const line = JSON.parse(body) as LogLine;
    mark = markBehind(mark, line);
    lines.push({ line, mark, check, end: start });
  }
  return lines;
}

/** The append-only JSONL log of a run. */
export class TrainingLog {
  readonly #file: string;
  #lines: StoredLine[];
  #descriptor: number | null = null;
  #mark = NO_LINES;
  #check = NO_LINES;

  /** Reads what is there, up to the first line that is damaged; nothing is changed until `continueFrom`. */
  constructor(file: string) {
    this.#file = file;
    this.#lines = intactLines(file);
  }

  /** Stands for all lines there are now: a checkpoint that carries it can be continued only while the log still holds them. */
  get mark(): string {
    return this.#mark;
  }

  /** Whether every line that was there when `mark` was taken is there and undamaged. */
  holds(mark: string): boolean {
    return mark === NO_LINES || this.#lines.some((line) => line.mark === mark);
  }

  /** Removes everything behind `mark`, which the log must hold, and opens it for more. @returns the lines that stay */
  continueFrom(mark: string): LogLine[] {
    this.#lines.length = mark === NO_LINES ? 0 : this.#lines.findIndex((line) => line.mark === mark) + 1;
    this.#descriptor = openSync(this.#file, 'a');
    truncateSync(this.#file, this.#lines.at(-1)?.end ?? 0);
    this.#mark = mark;
    this.#check = this.#lines.at(-1)?.check ?? NO_LINES;
    const kept = this.#lines.map(({ line }) => line);
    this.#lines = [];
    return kept;
  }

  append(lines: readonly LogLine[]): void {
    let text = '';
    for (const line of lines) {
      const body = JSON.stringify(line);
      this.#mark = markBehind(this.#mark, line);
      this.#check = chained(this.#check, body);
      text += `${body.slice(0, -1)},"check":"${this.#check}"}\n`;
    }
    try {
      const bytes = Buffer.from(text);
      // On a disk that fills in the middle of it a write is short, without an error: the next one has it.
      for (let done = 0; done < bytes.length;) done += writeSync(this.#descriptor!, bytes, done);
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
    fsyncSync(this.#descriptor!);
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}
