import { tidyingListeners } from '@controllab/data/scratch-folder';

const SIGNALS: readonly string[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Two signals closer than this are one: someone who stops a program twice on purpose has read what it said to the first. */
const SAME_MS = 1000;

/**
 * Makes each signal arrive once. A terminal sends Ctrl-C to every process of the command, nx to every process below its own, and each
 * parent passes on what it gets; but to a training a second signal means "stop at once". To be called before anything listens.
 */
export function deliverSignalsOnce(): void {
  let last = -Infinity;
  const emit = process.emit.bind(process) as (event: string, ...values: unknown[]) => boolean;
  process.emit = ((event: string, ...values: unknown[]): boolean => {
    if (!SIGNALS.includes(event)) return emit(event, ...values);
    const now = performance.now();
    if (now - last < SAME_MS) return true;
    last = now;
    if (isHandled(event)) return emit(event, ...values);
    // Nobody else listens: what would have happened without us, which is up to who tidies up before.
    process.removeListener(event, ignore);
    if (tidyingListeners(event) > 0) return emit(event, ...values);
    return process.kill(process.pid, event);
  }) as typeof process.emit;
  // Node takes hold of `emit` with the first listener, and ends the process by itself where there is none: a repeated signal must find one.
  for (const signal of SIGNALS) process.on(signal, ignore);
}

/** Whether something listens to a signal that then decides when the process ends, as a training does: not we, nor who tidies up. */
export const isHandled = (signal: string): boolean => process.listenerCount(signal) > 1 + tidyingListeners(signal);

const ignore = (): void => {};
