import { LossWatch, type LossRise } from './loss-watch.ts';
import type { TrainingOptions, TrainingResult } from './run-training.ts';
import type { LogLine } from './training-log.ts';

/** Steps averaged for the displayed loss. */
const DISPLAYED_LOSSES = 20;

interface Listeners {
  /** The loss has risen: once for each time that it does. */
  onRise(rise: LossRise): void;
  readonly onRecord: TrainingOptions['onRecord'];
}

/** What is known of a run: the lines of its log, those of before a resume included. Watches its loss. */
export class RunRecord {
  readonly losses: TrainingResult['losses'] = [];
  readonly evaluations: TrainingResult['evaluations'] = [];
  readonly #watch = new LossWatch();
  readonly #told: Listeners;
  #diverged = false;

  constructor(told: Listeners) {
    this.#told = told;
  }

  /** Takes the lines that follow, and tells of them. @throws what `onRecord` throws */
  async add(lines: readonly LogLine[]): Promise<void> {
    for (const line of lines) {
      if ('loss' in line) {
        this.losses.push({ step: line.step, loss: line.loss });
        const rise = this.#watch.add(line.step, line.loss);
        if (rise !== null && !this.#diverged) this.#told.onRise(rise);
        // Said again only of a run that had come back.
        this.#diverged = rise !== null || (this.#diverged && !this.#watch.isSound(line.step));
      } else this.evaluations.push({ step: line.step, values: line.evaluation });
    }
    await this.#told.onRecord?.(lines);
  }

  /** See `LossWatch`. */
  isSound(step: number): boolean {
    return this.#watch.isSound(step);
  }

  /** The mean of the last losses. */
  recentLoss(): number {
    const recent = this.losses.slice(-DISPLAYED_LOSSES);
    return recent.reduce((sum, { loss }) => sum + loss, 0) / recent.length;
  }
}
