// What in a folder is a training's, and nobody's input.

/** Lies in a training's folder and says what the training is a function of: all else there is the training's, too. */
export const TRAINING_FILE = 'training.json';
export const TRAINING_FORMAT = 'controllab-training-1';

/** Most bytes of a file that is looked at. */
const MAX_BYTES = 16 * 2 ** 20;

/**
 * The folders of trainings in a set, each with a slash at its end; `''` is the set's own.
 * @param files names in the set, with forward slashes
 * @param readText the text of one of them, of at most so many bytes; null where it is larger
 */
export async function foldersOfTrainings(
  files: Iterable<string>,
  readText: (name: string, maxBytes: number) => Promise<string | null>,
): Promise<readonly string[]> {
  const folders: string[] = [];
  for (const name of files) {
    if (name !== TRAINING_FILE && !name.endsWith(`/${TRAINING_FILE}`)) continue;
    if (isTraining((await readText(name, MAX_BYTES)) ?? '')) folders.push(name.slice(0, -TRAINING_FILE.length));
  }
  return folders;
}

function isTraining(text: string): boolean {
  try {
    return ((JSON.parse(text) ?? {}) as { format?: unknown }).format === TRAINING_FORMAT;
  } catch {
    return false;
  }
}
