import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { checkOutput, systemProblem, writeAtomic } from '@controllab/data';
import { ExperimentError } from '../../runner/errors.ts';
import { folderOf, type Destination } from './destination.ts';
import { readPictureText } from './picture-file.ts';

/** Free space that a file system needs beyond the pictures. */
const SPARE_BYTES = 2 ** 20;

const fail = (message: string, values: Record<string, unknown>): never => {
  throw new ExperimentError('invalid-option', `generate: ${message}`, values);
};

/** The nearest folder above that is there. */
function existing(place: string): string {
  if (existsSync(place)) return place;
  const above = path.dirname(place);
  return above === place ? place : existing(above);
}

/** What can be written over: what this command wrote itself, of which the file says how to make it again. */
const isOwn = (file: string): boolean => readPictureText(readFileSync(file)) !== null;

/**
 * Makes sure that pictures can be written before any is drawn, and leaves nothing behind.
 * @param bytes the most that they take
 * @param inputs files that the command reads
 * @throws ExperimentError invalid-option for what is in the way: a file of the user's, a read-only folder; disk-full
 */
export async function checkDestination(
  destination: Destination,
  { bytes, overwrite, inputs }: { bytes: number; overwrite: boolean; inputs: readonly string[] },
): Promise<void> {
  if ('file' in destination) {
    const { file } = destination;
    if (inputs.includes(file)) fail(`--out ${file} is read by the command itself; name another.`, { file });
    if (existsSync(file) && !overwrite && !isOwn(file))
      fail(`${file} exists and is no picture of ours; name another --out, or give --overwrite.`, { file });
  }
  const folder = existing(folderOf(destination));
  if (!statSync(folder).isDirectory()) fail(`--out: ${folder} is a file, not a folder.`, { folder });
  try {
    await checkOutput(folder, 'folder');
  } catch (cause) {
    throw new ExperimentError(
      'invalid-option',
      `generate: --out: cannot write to ${folder}: ${systemProblem(cause) ?? (cause as Error).message}`,
      { folder },
      { cause },
    );
  }
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes + SPARE_BYTES)
    throw new ExperimentError(
      'disk-full',
      `generate: ${folder} has ${Math.floor((bavail * bsize) / 1e6)} MB left, the pictures can take ${Math.ceil(bytes / 1e6)} MB.`,
      { folder, bytes },
    );
}

/** Part of a file's name from a text of any language. */
export const slug = (text: string): string =>
  [
    ...text
      .toLowerCase()
      .normalize('NFC')
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, ''),
  ]
    .slice(0, 50)
    .join('') || 'empty';

/**
 * Writes a picture: to the file that was named, or to a new one in the folder, `STEM.png`, `STEM-2.png`, ..., whatever others write there.
 * @returns the file
 */
export async function writePicture(destination: Destination, stem: string, encode: (file: string) => Promise<Buffer>): Promise<string> {
  if ('file' in destination) {
    await writeAtomic(destination.file, await encode(destination.file));
    return destination.file;
  }
  for (let copy = 1; ; copy++) {
    const file = path.join(destination.folder, `${stem}${copy === 1 ? '' : `-${copy}`}.png`);
    if (existsSync(file)) continue;
    const bytes = await encode(file);
    if (await reserve(file)) {
      try {
        await writeAtomic(file, bytes);
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
      return file;
    }
  }
}

/** Makes an empty file, if nobody has one of that name. */
async function reserve(file: string): Promise<boolean> {
  await mkdir(path.dirname(file), { recursive: true });
  try {
    await (await open(file, 'wx')).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
