import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ExperimentError, Interrupted } from './errors.ts';
import type { Task } from './job.ts';
import { longestFirst, readyOf } from './task-order.ts';

const INTERRUPTED = 130;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * In a worker: its parent's end is its own. The work is stored as at any signal. For the program alone to call: the channel to the parent
 * no longer keeps the process alive, and a process that only lends itself to a job, as a test runner's does, would end in the middle of it.
 */
export function endWithParent(): void {
  if (process.send === undefined) return;
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel!.unref();
}

/**
 * Computes the tasks that are not done, `jobs` at a time, each in a process of its own: this program again with `--only`. A task that fails
 * does not stop the others.
 * @param argv the command line of this job without --jobs and --only
 * @throws Interrupted when a signal came; ExperimentError measurement-failed naming what failed
 */
export async function runTasks(
  tasks: readonly Task[],
  { jobs, argv, say }: { jobs: number; argv: readonly string[]; say(message: string): void },
): Promise<void> {
  const waiting = longestFirst(tasks.filter((task) => !task.done()));
  if (waiting.length === 0) return;
  const total = waiting.length;
  say(`${total} ${total === 1 ? 'task' : 'tasks'} to compute, ${Math.min(jobs, total)} at a time`);
  const running = new Set<ChildProcess>();
  const failed: string[] = [];
  let [started, stopped] = [0, false];
  const onSignal = (signal: NodeJS.Signals): void => {
    stopped = true;
    for (const child of running) child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const compute = async (task: Task): Promise<void> => {
    say(`${++started} of ${total}: ${task.label}`);
    const code = await runTask(task, argv, running, say);
    if (code === INTERRUPTED) stopped = true;
    else if (code !== 0) failed.push(task.id);
  };
  const computing = new Map<string, Promise<void>>();
  try {
    for (;;) {
      while (!stopped && computing.size < jobs) {
        const [task] = readyOf(waiting, computing.keys());
        if (task === undefined) break;
        waiting.splice(waiting.indexOf(task), 1);
        computing.set(
          task.id,
          compute(task).finally(() => computing.delete(task.id)),
        );
      }
      if (computing.size === 0) break;
      await Promise.race(computing.values());
    }
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
  if (stopped) throw new Interrupted();
  if (failed.length > 0)
    throw new ExperimentError(
      'measurement-failed',
      `${failed.length} of ${total} failed: ${failed.join(', ')}. What they said stands above; the others are stored. Run one alone with --only ${failed[0]}.`,
      { failed },
    );
}

/** @returns the exit code; 1 where a signal that we did not send ended it */
function runTask(task: Task, argv: readonly string[], running: Set<ChildProcess>, say: (message: string) => void): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...argv, '--only', task.id], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  running.add(child);
  for (const stream of [child.stdout!, child.stderr!])
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() !== '') say(`  ${line}`);
    });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      running.delete(child);
      if (signal === 'SIGKILL') say(`${task.label}: its process was killed, most likely because the machine ran out of memory`);
      resolve(code ?? 1);
    });
  });
}
