import { fork } from 'node:child_process';
import { ExperimentError } from '../runner/errors.ts';
import type { Job, Timing } from './time-method.ts';
import type { Reply } from './timed-process.ts';

/**
 * Runs a job in a child process.
 * @throws ExperimentError measurement-failed with the child's own message, or what ended it
 */
export function runJob(job: Job): Promise<Timing> {
  return new Promise((resolve, reject) => {
    const fail = (message: string) => reject(new ExperimentError('measurement-failed', `Timing ${job.method} on ${job.target.family} failed: ${message}`, { target: job.target, method: job.method }));
    const child = fork(new URL('timed-process.ts', import.meta.url), { stdio: ['ignore', 2, 2, 'ipc'] });
    let reply: Reply | null = null;
    child.on('message', (message) => (reply = message as Reply));
    child.on('error', (error) => fail(error.message));
    child.on('exit', (code, signal) => {
      if (reply === null) fail(signal === 'SIGKILL' ? 'its process was killed, most likely because the machine ran out of memory.' : `its process ended with ${signal ?? `code ${code}`}.`);
      else if ('error' in reply) fail(reply.error);
      else resolve(reply.timing);
    });
    child.send(job);
  });
}
