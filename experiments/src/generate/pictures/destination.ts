import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { userPath, workspaceRoot } from '@controllab/command-line';
import { ExperimentError } from '../../runner/errors.ts';

/** Where pictures go whose place nobody named. */
const FOLDER = path.join(workspaceRoot, 'runs', 'generate');

/** Extensions of pictures that are written. */
export const pictureExtensions = ['.png', '.jpg', '.jpeg', '.webp'] as const;
export type PictureExtension = (typeof pictureExtensions)[number];

/** The format of a picture by its name; undefined for one that is not written. */
export const pictureExtension = (file: string): PictureExtension | undefined =>
  pictureExtensions.find((extension) => extension === path.extname(file).toLowerCase());

const fail = (message: string, values: Record<string, unknown>): never => {
  throw new ExperimentError('invalid-option', `generate: ${message}`, values);
};

/** Where a command writes: one file, or new files in a folder. */
export type Destination = { readonly file: string } | { readonly folder: string };

export const folderOf = (destination: Destination): string => ('file' in destination ? path.dirname(destination.file) : destination.folder);

/** The same in another folder. */
export const inFolder = (destination: Destination, folder: string): Destination =>
  'file' in destination ? { file: path.join(folder, path.basename(destination.file)) } : { folder };

/**
 * What --out means: a picture by its extension, else a folder.
 * @param out as it was typed; null: the folder of generated pictures
 * @throws ExperimentError invalid-option for an extension that is none of a picture, or one name for several pictures
 */
export function destinationOf(out: string | null, pictures: number): Destination {
  if (out === null) return { folder: FOLDER };
  const place = userPath(out);
  const isFolder = /[/\\]$/.test(out) || (existsSync(place) && statSync(place).isDirectory());
  if (isFolder || path.extname(place) === '') return { folder: place };
  if (pictureExtension(place) === undefined)
    return fail(`pictures are written as ${pictureExtensions.join(', ')}: name one, or a folder with a / behind it; got --out ${out}.`, {
      out,
    });
  if (pictures > 1) return fail(`--out names one file for ${pictures} pictures; name a folder.`, { out, pictures });
  return { file: place };
}
