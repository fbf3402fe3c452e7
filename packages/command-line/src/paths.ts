import path from 'node:path';

/** The checkout: reports/, runs/ and .cache/ lie in it, whichever folder a command is called from. */
export const workspaceRoot = path.join(import.meta.dirname, '..', '..', '..');

/** The absolute form of a path that a user typed. Commands run in the folder they were called from, through nx too. */
export const userPath = (typed: string): string => path.resolve(typed);
