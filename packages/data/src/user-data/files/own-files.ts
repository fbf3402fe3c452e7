import { DataError } from '../../errors.ts';
import { filesOfReports } from '../../reports.ts';
import { foldersOfTrainings } from '../../trainings.ts';
import type { FileSet } from './file-set.ts';

/**
 * What of a set's files its user brought: all but those of reports and trainings, which `data check` and `train` may have written there.
 * @param names those that are looked at
 * @throws DataError empty-input where the set itself is a training's folder
 */
export async function ownNames(files: FileSet, names: readonly string[]): Promise<readonly string[]> {
  const readText = async (name: string, maxBytes: number): Promise<string | null> => {
    try {
      const file = await files.open(name);
      return file.size > maxBytes ? null : (await file.read(0, file.size)).toString('utf8');
    } catch (error) {
      // What cannot be read says of nothing that it is a report's.
      if (error instanceof DataError) return null;
      throw error;
    }
  };
  const isReports = await filesOfReports(names, readText);
  const trainings = await foldersOfTrainings(names, readText);
  if (trainings.includes(''))
    throw new DataError('empty-input', `${files.path} is the folder of a training, which is no data: name another`, { path: files.path });
  return names.filter((name) => !isReports(name) && !trainings.some((folder) => name.startsWith(folder)));
}

/** A set of nothing but what its user brought. */
export function ownFiles(files: FileSet): FileSet {
  let own: Promise<readonly string[]> | null = null;
  return { ...files, names: () => (own ??= files.names().then((names) => ownNames(files, names))) };
}
