/** Times one method in a process of its own, so that its peak memory is its own. Started by run-job.ts with a Job. */
import { timeMethod, type Job, type Timing } from './time-method.ts';

/** What comes back. */
export type Reply = { timing: Timing } | { error: string };

process.once('message', async (job: Job) => {
  let reply: Reply;
  try {
    reply = { timing: await timeMethod(job) };
  } catch (error) {
    reply = { error: (error as Error).message };
  }
  process.send!(reply, () => process.disconnect());
});
