/** On Linux nobody's number: of a user whom permissions bind, and who owns nothing. */
const NOBODY = 65_534;

const isRoot = process.getuid?.() === 0;

/** Whether work can be done under permissions that bind: root has to be able to become another user, as it is not in every container. */
export const hasLesserUser = ((): boolean => {
  if (!isRoot) return process.getuid !== undefined;
  try {
    process.seteuid!(NOBODY);
  } catch {
    return false;
  }
  process.seteuid!(0);
  return true;
})();

/**
 * Does what permissions are to refuse, which do not bind root: as root, under another user's number. Whatever it loads has to be loaded
 * before, and folders that lead to its files have to let others through.
 */
export async function asLesserUser<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return work();
  process.seteuid!(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}
