import { isContactSheet, maybeContactSheet, SHEET_HEAD_BYTES } from '../contact-sheet.ts';
import { DataError } from '../errors.ts';
import { HEAD_BYTES, kindByContent, kindByName } from '../image-sources/kinds.ts';
import { MAX_CAPTION_FILE_BYTES } from '../image-sources/limits.ts';
import { comparedName, stemOf } from '../image-sources/names.ts';
import { sampleParts } from '../image-sources/tar/samples.ts';
import { decodeText } from '../text.ts';
import type { FileSet } from './files/file-set.ts';
import type { UserDataOptions } from './options.ts';
import { digestOfRows, type Rows } from './rows.ts';
import { FLAGS, NO_COLUMN, type Columns } from './tables/columns.ts';

/** What the names of condition pictures end with: `photo.condition.png` belongs to `photo.jpg`. */
const CONDITION_SUFFIX = /\.(condition|cond)$/i;
/** Files of captions; of a picture that has several the last one counts. */
const CAPTIONS = [/\.caption$/i, /\.txt$/i];

/** @throws DataError invalid-columns: which files belong together is told by their names */
function refuseColumns(path: string, columns: Columns): void {
  for (const [kind, name] of Object.entries(columns) as [keyof Columns, string | undefined][])
    if (name !== undefined && !(kind === 'condition' && name === NO_COLUMN))
      throw new DataError(
        'invalid-columns',
        `${path} is read as a folder of pictures, with captions in NAME.txt and conditions in NAME.condition.png: leave ${FLAGS[kind]} out`,
        { path, [kind]: name },
      );
}

/** The files of a set that are pictures, by their names or, where those say nothing, by how they begin. */
async function picturesOf(files: FileSet, names: readonly string[]): Promise<string[]> {
  const pictures: string[] = [];
  for (const name of names) {
    const named = kindByName(name);
    const kind = named === 'unnamed' ? kindByContent(await headOf(files, name, HEAD_BYTES)) : named;
    // Images that cannot be decoded are rows, too: they are told rather than passed over.
    if (kind === 'image' || kind === 'unreadable') pictures.push(name);
  }
  return pictures;
}

async function headOf(files: FileSet, name: string, length: number): Promise<Uint8Array> {
  try {
    return await (await files.open(name)).read(0, length);
  } catch (error) {
    // A pipe, or a link that leads nowhere: nothing says that it is a picture.
    if (error instanceof DataError) return new Uint8Array();
    throw error;
  }
}

/** The stem of the picture that a condition's name belongs to; null for any other name. */
function pictureOf(name: string): string | null {
  const stem = [stemOf(name), comparedName(name)].find((one) => CONDITION_SUFFIX.test(one));
  return stem?.replace(CONDITION_SUFFIX, '') ?? null;
}

/**
 * Whether the files of a tar are a folder's: those of a webdataset's sample lie together, and their key ends at the first dot of a name.
 * @param names in the tar's order
 */
export function isFolderInTar(names: readonly string[]): boolean {
  const keys = new Set<string>();
  let last: string | null = null;
  for (const name of names) {
    const { key } = sampleParts(name);
    if (key !== last && keys.has(key)) return true;
    keys.add((last = key));
  }
  const captions = new Set(names.filter((name) => /\.txt$/i.test(name)).map(stemOf));
  const pictures = names.filter((name) => kindByName(name) === 'image' && pictureOf(name) === null);
  return (
    pictures.every((name) => captions.has(stemOf(name))) && pictures.some((name) => stemOf(name) !== comparedName(sampleParts(name).key))
  );
}

/**
 * Pictures with their captions in .txt or .caption files of the same name, and with conditions in `NAME.condition.png`, in natural order.
 * Contact sheets of `generate` are passed over, and told among the problems.
 * @throws DataError empty-input where there are no pictures, invalid-columns where columns are named
 */
export async function openPictureFolder(files: FileSet, { captions = 'required', encoding, columns = {} }: UserDataOptions): Promise<Rows> {
  refuseColumns(files.path, columns);
  const names = await files.names();
  const pictures = await picturesOf(files, names);
  const conditions = new Map(
    columns.condition === NO_COLUMN
      ? []
      : pictures.flatMap((name): [string, string][] => {
          const picture = pictureOf(name);
          return picture === null ? [] : [[picture, name]];
        }),
  );
  const texts = new Map(
    CAPTIONS.flatMap((ending) => names.filter((name) => ending.test(name)).map((name) => [stemOf(name), name] as const)),
  );
  const images: string[] = [];
  const sheets: string[] = [];
  for (const name of pictures.filter((one) => pictureOf(one) === null)) {
    // A picture with a caption of its own is a row, whatever it shows: of such folders no picture is opened here.
    const isSheet = !texts.has(stemOf(name)) && maybeContactSheet(name) && isContactSheet(await headOf(files, name, SHEET_HEAD_BYTES));
    (isSheet ? sheets : images).push(name);
  }
  if (images.length === 0) throw new DataError('empty-input', `there is no picture in ${files.path}`, { path: files.path });
  const caption = async (name: string): Promise<string | null> => {
    const text = captions === 'none' ? undefined : texts.get(stemOf(name));
    if (text === undefined) return null;
    const bytes = await files.open(text);
    if (bytes.size > MAX_CAPTION_FILE_BYTES)
      throw new DataError('invalid-text', `its caption has ${bytes.size} bytes, the limit is ${MAX_CAPTION_FILE_BYTES}`, { name: text });
    return decodeText(await bytes.read(0, bytes.size), text, encoding);
  };
  return {
    path: files.path,
    format: 'folder',
    length: images.length,
    hasConditions: conditions.size > 0,
    digest: () =>
      digestOfRows(images.length, async (i) => {
        const stem = stemOf(images[i]!);
        const own = [images[i], conditions.get(stem), captions === 'none' ? undefined : texts.get(stem)];
        return Promise.all(own.map(async (name) => (name === undefined ? '' : `${comparedName(name)} ${await files.stamp(name)}`)));
      }),
    problems: sheets.map((where) => ({ where, reason: 'it is a contact sheet of generate, which shows pictures that lie beside it' })),
    where: (i) => images[i]!,
    async row(i) {
      const name = images[i]!;
      const condition = conditions.get(stemOf(name));
      if (condition === undefined && conditions.size > 0)
        throw new DataError('invalid-row', `it has no condition picture ${stemOf(name)}.condition.png, as others have`, { name });
      const text = await caption(name);
      return {
        image: { name, read: () => files.read(name) },
        caption: text,
        ...(text === null ? { captionFile: `${stemOf(name)}.txt` } : {}),
        condition: condition === undefined ? null : { name: condition, read: () => files.read(condition) },
      };
    },
    close: () => files.close(),
  };
}
