/** Losses averaged before they are compared. */
const WINDOW = 50;

/** What the mean of the last losses was, and the lowest that it has been. */
export interface LossRise {
  mean: number;
  lowest: { mean: number; step: number };
}

/**
 * Notices a run that comes apart without a NaN: at a rate that is too high the loss can jump and stay, hours before anybody looks.
 * The mean of the last 50 losses has diverged when it exceeds its own lowest by as much as that lowest, and by half of what had been gained
 * since the first 50; the second condition leaves losses alone that end near zero. A quarter of that is still sound.
 */
export class LossWatch {
  readonly #recent: number[] = [];
  readonly #sound = new Set<number>();
  #first: number | null = null;
  #lowest: LossRise['lowest'] | null = null;

  /** Takes the loss of the next step. @returns how far it has risen, if it has diverged */
  add(step: number, loss: number): LossRise | null {
    this.#recent.push(loss);
    if (this.#recent.length > WINDOW) this.#recent.shift();
    if (this.#recent.length < WINDOW) {
      this.#sound.add(step);
      return null;
    }
    const mean = this.#recent.reduce((sum, x) => sum + x, 0) / WINDOW;
    this.#first ??= mean;
    if (this.#lowest === null || mean < this.#lowest.mean) this.#lowest = { mean, step };
    const allowed = Math.max(this.#lowest.mean, (this.#first - this.#lowest.mean) / 2);
    const excess = mean - this.#lowest.mean;
    if (excess <= allowed / 4) this.#sound.add(step);
    return excess > allowed ? { mean, lowest: this.#lowest } : null;
  }

  /** Whether the losses up to a step were still near their lowest: its checkpoint is worth going back to. */
  isSound(step: number): boolean {
    return this.#sound.has(step);
  }
}
