import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the workspace: what is not named otherwise (reports, runs, caches) lies below it, from wherever a command is started. */
export const workspaceRoot = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * A path as the user means it: relative to the folder that the command was called from. npm and nx change the folder, and say in INIT_CWD
 * which it was.
 */
export const userPath = (text: string): string => path.resolve(process.env['INIT_CWD'] ?? process.cwd(), text);
