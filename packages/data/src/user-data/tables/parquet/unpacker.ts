import { Worker } from 'node:worker_threads';
import type { FileMetaData } from 'hyparquet';

/** Rows of one file that are unpacked together. */
export interface UnpackRequest {
  readonly file: string;
  readonly metadata: FileMetaData;
  readonly columns: readonly string[];
  readonly rowStart: number;
  readonly rowEnd: number;
}

export type Values = Readonly<Record<string, unknown>>;

type Reply = { rows: readonly Values[] } | { error: string };

/**
 * Unpacks rows of parquet in a thread of its own, one request after the other. The counts of values in a damaged page can make its reader
 * go on for ever, or fill the memory, and nothing else would stop it.
 */
export class Unpacker {
  #worker: Worker | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** @throws Error in words: what the reader says, or that it did not come to an end within the time or the memory */
  unpack(request: UnpackRequest, limit: { seconds: number; megabytes: number }): Promise<readonly Values[]> {
    const mine = this.#last.then(() => this.#ask(request, limit));
    this.#last = mine.catch(() => {});
    return mine;
  }

  async #ask(request: UnpackRequest, { seconds, megabytes }: { seconds: number; megabytes: number }): Promise<readonly Values[]> {
    const worker = (this.#worker ??= new Worker(new URL('./unpack-worker.mjs', import.meta.url), {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: megabytes },
    }));
    worker.ref();
    const over = new AbortController();
    try {
      const reply = await new Promise<Reply>((resolve, reject) => {
        // One that hangs or has died is made anew for the next request.
        const give = (error: Error): void => {
          void this.close();
          reject(error);
        };
        const failed = (error: Error & { code?: string }): void =>
          give(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? new Error(`it takes more than ${megabytes} MB to unpack`) : error);
        const ended = (): void => give(new Error('its reader ended early'));
        const timer = setTimeout(() => give(new Error(`it does not come to an end in ${seconds} seconds`)), 1000 * seconds);
        worker.once('message', resolve).once('error', failed).once('exit', ended);
        over.signal.addEventListener('abort', () => {
          clearTimeout(timer);
          worker.off('message', resolve).off('error', failed).off('exit', ended);
        });
        worker.postMessage(request);
      });
      if ('rows' in reply) return reply.rows;
      throw new Error(reply.error);
    } finally {
      over.abort();
      worker.unref();
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }
}
