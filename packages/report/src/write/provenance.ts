import { execFileSync } from 'node:child_process';
import os from 'node:os';

/** The commit of the working tree, with '+changes' if files differ from it; null outside a repository. */
export function currentCommit(): string | null {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' + changes');
  } catch {
    return null;
  }
}

/** Whether a report's code can be had again: it was in a repository, and nothing of it was changed. */
export const isCommitted = (commit: string | null): commit is string => commit !== null && !commit.includes('+');

/** Processor, cores, memory and Node version. */
export function machine(): string {
  const cpus = os.cpus();
  return `${cpus[0]?.model.trim() ?? 'unknown processor'}, ${cpus.length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${os.platform()} ${os.arch()}`;
}
