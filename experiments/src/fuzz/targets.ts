import { ExperimentError } from '../runner/errors.ts';
import type { Target } from './target.ts';
import { archives } from './targets/archives.ts';
import { models } from './targets/models.ts';
import { npzStatistics } from './targets/npz.ts';
import { pictures } from './targets/pictures.ts';
import { records } from './targets/records.ts';
import { tensorFiles } from './targets/tensor-files.ts';
import { texts } from './targets/texts.ts';
import { userTables } from './targets/user-tables.ts';
import { pictureLines } from './targets/user-data.ts';

/** Everything that reads files which others may have written, or a disk may have damaged. */
export const TARGETS: readonly Target[] = [
  ...tensorFiles,
  npzStatistics,
  ...pictures,
  ...archives,
  ...texts,
  ...userTables,
  pictureLines,
  ...models,
  ...records,
];

/** @throws ExperimentError invalid-option naming the known ones */
export function targetNamed(name: string): Target {
  const target = TARGETS.find((one) => one.name === name);
  if (target !== undefined) return target;
  throw new ExperimentError('invalid-option', `there is no parser '${name}'; parsers: ${TARGETS.map((one) => one.name).join(', ')}.`, {
    name,
  });
}
