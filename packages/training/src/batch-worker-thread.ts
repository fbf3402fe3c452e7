import { parentPort, workerData } from 'node:worker_threads';
import { makeBatches, type MakeBatch } from './batch.ts';
import type { BatchReply, BatchRequest, BatchWorkerData } from './batch-worker.ts';

const port = parentPort!;
const { module, data } = workerData as BatchWorkerData;

async function openFactory(): Promise<MakeBatch> {
  const { default: factory } = (await import(module)) as { default?: (data: unknown) => MakeBatch | Promise<MakeBatch> };
  if (typeof factory !== 'function') throw new TypeError(`${module} has no default export that makes batches`);
  return factory(data);
}

/** Arrays over their whole buffer are handed over; a view into a larger buffer is copied, or it would take its neighbours along. */
function detachable(batch: Awaited<ReturnType<typeof makeBatches>>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const tensor of Object.values(batch.inputs)) {
    if (tensor.data.byteLength !== tensor.data.buffer.byteLength) tensor.data = tensor.data.slice();
    buffers.add(tensor.data.buffer as ArrayBuffer);
  }
  return [...buffers];
}

let factory: Promise<MakeBatch> | undefined;
let queue = Promise.resolve();
port.on('message', ({ step, steps }: BatchRequest) => {
  // one after another: a batch may take turns at an await, and the order decides nothing but the memory used
  queue = queue.then(async () => {
    try {
      factory ??= openFactory();
      const batch = await makeBatches(await factory, step, steps);
      port.postMessage({ step, batch } satisfies BatchReply, detachable(batch));
    } catch (error) {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      port.postMessage({ step, error: { message, stack: stack ?? message } } satisfies BatchReply);
    }
  });
});
