import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import os from 'node:os';
import { workspaceRoot } from '@controllab/command-line';

/** What git is told of another repository than that of its folder, as in a hook of one. */
const ELSEWHERE = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_COMMON_DIR', 'GIT_INDEX_FILE', 'GIT_OBJECT_DIRECTORY'];

/**
 * The commit of a working tree, with ' + changes' if files differ from it; null for a folder that is no repository's own, as an archive is
 * that was unpacked below one.
 */
export function commitOf(folder: string): string | null {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ELSEWHERE.includes(name)));
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    if (realpathSync(git('rev-parse', '--show-toplevel')) !== realpathSync(folder)) return null;
    return git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' + changes');
  } catch {
    return null;
  }
}

/** The commit of the code that runs, whichever folder it is started from; see {@link commitOf}. */
export const currentCommit = (): string | null => commitOf(workspaceRoot);

/** Whether a report's code can be had again: it was in a repository, and nothing of it was changed. */
export const isCommitted = (commit: string | null): commit is string => commit !== null && !commit.includes('+');

/** Processor, cores, memory and Node version. */
export function machine(): string {
  const cpus = os.cpus();
  return `${cpus[0]?.model.trim() ?? 'unknown processor'}, ${cpus.length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${os.platform()} ${os.arch()}`;
}
