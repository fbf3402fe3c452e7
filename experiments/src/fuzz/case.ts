import { readFileSync, writeFileSync } from 'node:fs';
import { Draws } from './draws.ts';
import { mutate, type Mutated } from './mutate.ts';
import type { Reading, Target } from './target.ts';

export const OUTCOMES = ['refused', 'same', 'values', 'structure', 'wrong class', 'slow', 'memory', 'hang'] as const;
/**
 * What became of a damaged file. Right: `refused` by an error of a package's class, read the `same`, or with other `values` where the
 * format cannot tell. Wrong: accepted with another `structure` or cut short; an error of any other class; `slow`, a `hang`, or too much
 * `memory`.
 */
export type Outcome = (typeof OUTCOMES)[number];
export const WRONG: readonly Outcome[] = ['structure', 'wrong class', 'slow', 'memory', 'hang'];

/** What one case may take beyond what the process has: seconds of the processor, bytes, and bytes for each of its file's. */
export const LIMITS = { seconds: 2, bytes: 200 * 2 ** 20, ofFile: 4 };

export interface Judged {
  readonly index: number;
  readonly outcome: Outcome;
  /** How the file was damaged, and what was wrong. */
  readonly detail: string;
}

/** A target with its samples read once, as they are. */
export class Cases {
  readonly #target: Target;
  readonly #seed: number;
  readonly #file: string;
  readonly #samples: readonly Uint8Array[];
  readonly #readings: readonly Reading[];
  readonly #hostile: readonly Uint8Array[];

  private constructor(target: Target, seed: number, file: string, samples: readonly Uint8Array[], readings: readonly Reading[]) {
    this.#target = target;
    this.#seed = seed;
    this.#file = file;
    this.#samples = samples;
    this.#readings = readings;
    this.#hostile = target.hostile?.() ?? [];
  }

  /** @param folder an empty one */
  static async open(target: Target, seed: number, folder: string): Promise<Cases> {
    const file = await target.place(folder);
    const samples = await target.samples();
    const readings: Reading[] = [];
    for (const sample of samples) {
      writeFileSync(file, sample);
      readings.push(await target.read(file));
    }
    return new Cases(target, seed, file, samples, readings);
  }

  /** The file of a case. The first ones are the hostile ones. */
  file(index: number): Mutated & { sample: number } {
    const hostile = this.#hostile[index];
    if (hostile !== undefined) return { bytes: hostile, how: `hostile file ${index}`, sample: -1 };
    const draws = new Draws(this.#seed, `fuzz/${this.#target.name}`, index);
    const sample = draws.below(this.#samples.length);
    const whole = this.#samples[sample]!;
    const { inner, text = false } = this.#target;
    if (inner === undefined || draws.next() < 0.4) return { ...mutate(whole, draws, { text, others: this.#samples }), sample };
    const part = mutate(inner.open(whole), draws, { text: inner.text, others: this.#samples.map((other) => inner.open(other)) });
    return { bytes: inner.close(part.bytes, whole), how: `inside: ${part.how}`, sample };
  }

  async run(index: number): Promise<Judged> {
    const { bytes, how, sample } = this.file(index);
    writeFileSync(this.#file, bytes);
    resetPeak();
    const [before, started] = [memory(), process.cpuUsage()];
    let [outcome, detail]: [Outcome, string] = ['same', ''];
    try {
      const { structure, payload } = await this.#target.read(this.#file);
      const whole = this.#readings[sample];
      if (whole === undefined || structure !== whole.structure) [outcome, detail] = ['structure', structure.slice(0, 200)];
      else if (payload !== whole.payload)
        [outcome, detail] = how === 'truncated' ? ['structure', 'cut short and accepted'] : ['values', ''];
    } catch (error) {
      [outcome, detail] = isOurs(error) ? ['refused', (error as Error).message] : ['wrong class', stackOf(error)];
    }
    const { user, system } = process.cpuUsage(started);
    const grown = memory() - before;
    if ((user + system) / 1e6 > LIMITS.seconds)
      [outcome, detail] = ['slow', `${((user + system) / 1e6).toFixed(1)} s; ${outcome}: ${detail}`];
    else if (grown > LIMITS.bytes + LIMITS.ofFile * bytes.length)
      [outcome, detail] = ['memory', `${Math.round(grown / 2 ** 20)} MiB; ${outcome}: ${detail}`];
    return { index, outcome, detail: `${how}: ${detail}` };
  }
}

/** An error of one of the packages' classes: they carry a code and values. */
function isOurs(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, values } = error as { code?: unknown; values?: unknown };
  return typeof code === 'string' && !code.startsWith('ERR_') && typeof values === 'object' && values !== null;
}

const stackOf = (error: unknown): string =>
  (error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ') : String(error)).slice(0, 600);

/** The most memory that this process has held since `resetPeak`, in bytes. */
function memory(): number {
  if (process.platform !== 'linux') return 1024 * process.resourceUsage().maxRSS;
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}

function resetPeak(): void {
  if (process.platform !== 'linux') return;
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // A container may forbid it: then a case counts only where it takes more than any before.
  }
}
