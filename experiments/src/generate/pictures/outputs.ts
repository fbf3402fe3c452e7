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
 * @param flag that names the destination
 * @throws ExperimentError invalid-option for what is in the way: a file of the user's, a read-only folder; disk-full
 */
export async function checkDestination(
  destination: Destination,
  { bytes, overwrite, inputs, flag = '--out' }: { bytes: number; overwrite: boolean; inputs: readonly string[]; flag?: string },
): Promise<void> {
  if ('file' in destination) {
    const { file } = destination;
    if (inputs.includes(file)) fail(`--out ${file} is read by the command itself; name another.`, { file });
    if (existsSync(file) && !overwrite && !isOwn(file))
      fail(`${file} exists and is no picture of ours; name another --out, or give --overwrite.`, { file });
  }
  const folder = existing(folderOf(destination));
  if (!statSync(folder).isDirectory()) fail(`${flag}: ${folder} is a file, not a folder.`, { folder });
  try {
    await checkOutput(folder, 'folder');
  } catch (cause) {
    throw new ExperimentError(
      'invalid-option',
      `generate: ${flag}: cannot write to ${folder}: ${systemProblem(cause) ?? (cause as Error).message}`,
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

/** What is written under a picture's name in another folder. */
export interface Companion {
  readonly folder: string;
  encode(): Promise<Buffer>;
}

/**
 * Writes a picture: to the file that was named, or to a new one in the folder, `STEM.png`, `STEM-2.png`, ..., whatever others write there.
 * @param companions of a picture in a folder: the name that it gets is new in theirs, too
 * @returns the file
 */
export async function writePicture(
  destination: Destination,
  stem: string,
  encode: (file: string) => Promise<Buffer>,
  companions: readonly Companion[] = [],
): Promise<string> {
  if ('file' in destination) {
    await writeAtomic(destination.file, await encode(destination.file));
    return destination.file;
  }
  for (let copy = 1; ; copy++) {
    const name = `${stem}${copy === 1 ? '' : `-${copy}`}.png`;
    const file = path.join(destination.folder, name);
    // The picture last: none is there without what belongs to it.
    const places = [...companions.map(({ folder }) => path.join(folder, name)), file];
    if (places.some(existsSync)) continue;
    const contents: Buffer[] = [];
    for (const { encode: companion } of companions) contents.push(await companion());
    contents.push(await encode(file));
    const reserved: string[] = [];
    try {
      for (const place of places) if (await reserve(place)) reserved.push(place);
      if (reserved.length === places.length) {
        for (const [i, place] of places.entries()) await writeAtomic(place, contents[i]!);
        return file;
      }
    } catch (error) {
      for (const place of reserved) await rm(place, { force: true });
      throw error;
    }
    for (const place of reserved) await rm(place, { force: true });
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
