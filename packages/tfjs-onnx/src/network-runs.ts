import { AsyncLocalStorage } from 'node:async_hooks';

/** A compiled function, as it was really loaded and run. */
export interface NetworkRun {
  /** That it was compiled under. */
  readonly name: string;
  /** `onnx`, or `tfjs` where it ran op by op. */
  readonly engine: string;
  /** ONNX Runtime's execution provider, or the TensorFlow.js backend. */
  readonly provider: string;
  /** null: what the backend takes. */
  readonly threads: number | null;
  /** Whether it carries state from run to run: it trains. */
  readonly stateful: boolean;
}

const recording = new AsyncLocalStorage<Map<string, NetworkRun>>();

/** Tells the recording that is going on, if there is one, of a function that was loaded or run: here, in another process, or earlier. */
export function noteNetworkRun(run: NetworkRun): void {
  const { name, engine, provider, threads, stateful } = run;
  recording.getStore()?.set(JSON.stringify([name, engine, provider, threads, stateful]), run);
}

/**
 * Does some work and tells which compiled functions were loaded or run in it, each once, whoever compiled them and however far down. A
 * recording inside another keeps what it sees to itself.
 */
export async function recordNetworkRuns<T>(work: () => Promise<T>): Promise<{ value: T; runs: NetworkRun[] }> {
  const seen = new Map<string, NetworkRun>();
  const value = await recording.run(seen, work);
  return { value, runs: [...seen.values()] };
}
