/** What the system's refusals mean, and what to do. */
const PROBLEMS: Readonly<Record<string, readonly [what: string, advice: string]>> = {
  EACCES: ['permission denied', 'Name another place, or give yourself the right to it.'],
  EPERM: ['permission denied', 'Name another place, or give yourself the right to it.'],
  EROFS: ['the file system is read-only', 'Name a folder that can be written to.'],
  ENOSPC: ['no space is left on the disk', 'Free some and run the same command again.'],
  EDQUOT: ['the disk quota is used up', 'Free some space and run the same command again.'],
  EFBIG: ['the file system takes no file of that size', 'Name a folder on another one.'],
  ENOENT: ['there is no such file or folder', 'Check its name.'],
  ENOTDIR: ['a file lies where a folder is needed', 'Name another place, or move the file away.'],
  EEXIST: ['something else lies there already', 'Name another place, or move it away.'],
  EISDIR: ['a folder lies where a file is needed', 'Name a file.'],
  ENAMETOOLONG: ['the name is too long', 'Name another place.'],
  ELOOP: ['its links lead in a circle', 'Name another place.'],
  EMFILE: ['too many files are open', 'Raise the limit (ulimit -n) and run the same command again.'],
  ENFILE: ['too many files are open', 'Wait for other programs to end and run the same command again.'],
  EIO: ['the disk reports an error', 'Check it, and name a folder on another one.'],
};

/**
 * Two sentences for the person at the terminal about an error of the system, or one that has such an error as its cause: which path, what
 * is wrong with it, what to do. Null for any other error.
 */
export function systemProblem(error: unknown): string | null {
  for (let e = error; e instanceof Error; e = e.cause) {
    const { code, path, dest } = e as NodeJS.ErrnoException & { dest?: string };
    const known = code === undefined || !Object.hasOwn(PROBLEMS, code) ? undefined : PROBLEMS[code]!;
    if (known !== undefined) return `${dest ?? path ?? 'A file'}: ${known[0]}. ${known[1]}`;
  }
  return null;
}

/** Whether an error, or what caused it, is a full disk or an exhausted quota. */
export function isDiskFull(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    const { code } = e as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') return true;
  }
  return false;
}
