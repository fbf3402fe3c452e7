import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { noteNetworkRun, recordNetworkRuns, type NetworkRun } from '@controllab/tfjs-onnx';
import { ExperimentError } from './errors.ts';

/** What a job gave, and the networks that ran for it. */
interface Answer<Result> {
  result: Result;
  runs: readonly NetworkRun[];
}

/**
 * Runs a job in a process of its own, so that its peak memory is its own and running out of it ends nothing else.
 * @param module the process's program, which calls {@link answerJob}
 * @param what for errors: "Timing controlnet on sd15"
 * @throws ExperimentError measurement-failed with the child's own message, or what ended it
 */
export async function runChild<Result>(module: URL, job: object, what: string): Promise<Result> {
  const { result, runs } = await new Promise<Answer<Result>>((resolve, reject) => {
    const fail = (message: string) => reject(new ExperimentError('measurement-failed', `${what} failed: ${message}`, { job }));
    const child = fork(module, { stdio: ['ignore', 2, 2, 'ipc'] });
    let reply: Answer<Result> | { error: string } | null = null;
    child.on('message', (message) => (reply = message as Answer<Result> | { error: string }));
    child.on('error', (error) => fail(error.message));
    child.on('exit', (code, signal) => {
      if (reply === null)
        fail(
          signal === 'SIGKILL'
            ? 'its process was killed, most likely because the machine ran out of memory.'
            : `its process ended with ${signal ?? `code ${code}`}.`,
        );
      else if ('error' in reply) fail(reply.error);
      else resolve(reply);
    });
    child.send(job);
  });
  runs.forEach(noteNetworkRun);
  return result;
}

/** The other end of {@link runChild}: does the one job that comes and sends back its result, or the message of what it threw. */
export function answerJob<Job, Result>(work: (job: Job) => Promise<Result>): void {
  // Whoever asked has gone: it would be timed beside the next one's job.
  const onGone = (): void => process.exit(1);
  process.once('disconnect', onGone);
  process.once('message', async (job: Job) => {
    let reply: Answer<Result> | { error: string };
    try {
      const { value, runs } = await recordNetworkRuns(() => work(job));
      reply = { result: value, runs };
    } catch (error) {
      reply = { error: (error as Error).message };
    }
    process.off('disconnect', onGone);
    process.send!(reply, () => process.disconnect());
  });
}

/** The most memory that this process has held, in bytes; null where the system does not tell. */
export function peakMemory(): number | null {
  if (process.platform !== 'linux') return null;
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}
