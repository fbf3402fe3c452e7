import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where built files are kept: `CONTROLLAB_CACHE`, else `controllab` in `XDG_CACHE_HOME` or `~/.cache`. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  return environment['CONTROLLAB_CACHE'] || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'controllab');
}
