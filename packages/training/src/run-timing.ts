/** One call of a compiled step; times in seconds. */
export interface TimedCall {
  readonly steps: number;
  readonly samples: number;
  /** Of the whole call, the wait for its data included. */
  readonly seconds: number;
  readonly waited: number;
}

export interface Timing {
  steps: number;
  samples: number;
  seconds: number;
  samplesPerSecond: number;
  /** Share of the time in which the engine waited for data. */
  waitShare: number;
}

/** The first calls allocate and warm up. */
const UNTIMED_CALLS = 2;

/** How fast calls went; NaN of none. */
export const paceOf = ({ samples, seconds, waited }: Omit<TimedCall, 'steps'>): Pick<Timing, 'samplesPerSecond' | 'waitShare'> => ({
  samplesPerSecond: samples / seconds,
  waitShare: waited / seconds,
});

const NOTHING: TimedCall = { steps: 0, samples: 0, seconds: 0, waited: 0 };

/** How long a run takes, without its first two calls: those count only for what is shown while there are no others. */
export class RunTiming {
  #calls = 0;
  #last = NOTHING;
  #counted = NOTHING;

  add(call: TimedCall): void {
    this.#last = call;
    this.#calls += 1;
    if (this.#calls <= UNTIMED_CALLS) return;
    const { steps, samples, seconds, waited } = this.#counted;
    this.#counted = {
      steps: steps + call.steps,
      samples: samples + call.samples,
      seconds: seconds + call.seconds,
      waited: waited + call.waited,
    };
  }

  /** What is shown and foretold of a run: of the calls that count, else of the last. */
  get #shown(): TimedCall {
    return this.#counted.steps > 0 ? this.#counted : this.#last;
  }

  /** Seconds a step. */
  perStep(): number {
    return this.#shown.seconds / this.#shown.steps;
  }

  pace(): ReturnType<typeof paceOf> {
    return paceOf(this.#shown);
  }

  /** Of the calls that count. */
  result(): Timing {
    const { steps, samples, seconds } = this.#counted;
    return { steps, samples, seconds, ...paceOf(this.#counted) };
  }
}
