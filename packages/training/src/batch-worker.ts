import { Worker } from 'node:worker_threads';
import type { Batch, BatchSource } from './batch.ts';
import { TrainingError } from './errors.ts';

export interface BatchWorkerOptions {
  /**
   * A .ts module whose default export takes `data` and returns (a promise of) a MakeBatch. Name it with new URL('./batches.ts',
   * import.meta.url).
   */
  module: URL;
  /** Given to the module's default export; must be structured-cloneable. */
  data?: unknown;
  /** Batches kept ready: 2 to 4 cover a slow one now and then. */
  ahead?: number;
  /** How long a batch may take; the first one opens the module and its data too. */
  timeoutSeconds?: number;
}

/** Ten times what the slowest batch of the house takes with its worker's start, on a machine that does something else as well. */
const TIMEOUT_SECONDS = 600;

export interface BatchWorkerData {
  module: string;
  data: unknown;
}
export interface BatchRequest {
  step: number;
  steps: number;
}
export type BatchReply = { step: number; batch: Batch } | { step: number; error: { message: string; stack: string } };

interface Pending {
  promise: Promise<Batch>;
  resolve: (batch: Batch) => void;
  reject: (error: Error) => void;
}

/**
 * Prepares batches in a worker thread while the engine computes (onnxruntime-node blocks the thread that calls it).
 * The worker starts loading its module at once. Batches come in the order asked for; an error inside the worker is thrown by
 * `next` with the worker's stack, and so are the worker's death and a batch that does not come.
 */
export function startBatchWorker({ module, data, ahead = 3, timeoutSeconds = TIMEOUT_SECONDS }: BatchWorkerOptions): BatchSource {
  const worker = new Worker(new URL('./batch-worker-boot.mjs', import.meta.url), {
    workerData: { module: module.href, data } satisfies BatchWorkerData,
    execArgv: ['--conditions=controllab'],
  });
  worker.unref(); // a run that ended by an error must not be kept alive by its worker
  const pending = new Map<number, Pending>();
  let failure: TrainingError | undefined;
  let closing = false;

  const fail = (error: TrainingError) => {
    failure ??= error;
    for (const { reject } of pending.values()) reject(failure);
  };
  worker.on('message', (reply: BatchReply) => {
    if ('batch' in reply) pending.get(reply.step)?.resolve(reply.batch);
    else {
      const cause = new Error(reply.error.message);
      cause.stack = reply.error.stack;
      pending
        .get(reply.step)
        ?.reject(
          new TrainingError(
            'batch-failed',
            `The batch of step ${reply.step} failed in the batch worker (${module.pathname}): ${reply.error.stack}`,
            { step: reply.step, module: module.href },
            { cause },
          ),
        );
    }
  });
  worker.on('error', (cause) =>
    fail(
      new TrainingError(
        'batch-worker-died',
        `The batch worker (${module.pathname}) died: ${cause instanceof Error ? cause.stack : String(cause)}`,
        { module: module.href },
        { cause },
      ),
    ),
  );
  worker.on('exit', (exitCode) => {
    if (!closing)
      fail(
        new TrainingError('batch-worker-died', `The batch worker (${module.pathname}) exited with code ${exitCode} before the run ended`, {
          module: module.href,
          exitCode,
        }),
      );
  });

  const request = (step: number, steps: number) => {
    const entry = {} as Pending;
    entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
    entry.promise.catch(() => {}); // prepared ahead: nobody may be waiting yet when it fails
    pending.set(step, entry);
    worker.postMessage({ step, steps } satisfies BatchRequest);
  };
  const hangs = (step: number) =>
    fail(
      new TrainingError(
        'batch-worker-hangs',
        `The batch worker (${module.pathname}) has not made the batch of step ${step} in ${timeoutSeconds} seconds: it hangs, or the machine is overloaded or out of memory. What is in checkpoints is kept: run the same command again to continue from the newest.`,
        { module: module.href, step, timeoutSeconds },
      ),
    );
  return {
    async next(step, steps, until) {
      if (failure) throw failure;
      worker.ref();
      const timer = setTimeout(hangs, 1000 * timeoutSeconds, step);
      try {
        for (let s = step; s < until && s <= step + ahead * steps; s += steps) if (!pending.has(s)) request(s, steps);
        return await pending.get(step)!.promise;
      } finally {
        clearTimeout(timer);
        pending.delete(step);
        worker.unref();
      }
    },
    async close() {
      closing = true;
      await worker.terminate();
    },
  };
}
