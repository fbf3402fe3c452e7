import { createHash } from 'node:crypto';
import { DataError } from '../errors.ts';
import { kindByName } from '../image-sources/kinds.ts';
import { MAX_CAPTION_FILE_BYTES } from '../image-sources/limits.ts';
import { comparedName, stemOf } from '../image-sources/names.ts';
import { decodeText } from '../text.ts';
import type { FileSet } from './files/file-set.ts';
import type { UserDataOptions } from './options.ts';
import type { Rows } from './rows.ts';

/** What the names of condition pictures end with: `photo.condition.png` belongs to `photo.jpg`. */
export const CONDITION_SUFFIX = /\.(condition|cond)$/i;

/**
 * Pictures with their captions in .txt files of the same name, and with conditions in `NAME.condition.png`, in natural order.
 * @throws DataError empty-input where there are no pictures
 */
export async function openPictureFolder(files: FileSet, { captions = 'required', encoding }: UserDataOptions): Promise<Rows> {
  const names = await files.names();
  // Images that cannot be decoded are rows, too: they are told rather than passed over.
  const pictures = names.filter((name) => ['image', 'unreadable'].includes(kindByName(name)));
  const isCondition = (name: string): boolean => CONDITION_SUFFIX.test(stemOf(name));
  const images = pictures.filter((name) => !isCondition(name));
  const conditions = new Map(pictures.filter(isCondition).map((name) => [stemOf(name).replace(CONDITION_SUFFIX, ''), name]));
  const texts = new Map(names.filter((name) => /\.txt$/i.test(name)).map((name) => [stemOf(name), name]));
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
    digest: createHash('sha256').update(names.map(comparedName).join('\n')).digest('hex'),
    problems: [],
    where: (i) => images[i]!,
    async row(i) {
      const name = images[i]!;
      const condition = conditions.get(stemOf(name));
      if (condition === undefined && conditions.size > 0)
        throw new DataError('invalid-row', `it has no condition picture ${stemOf(name)}.condition.png, as others have`, { name });
      return {
        image: { name, read: () => files.read(name) },
        caption: await caption(name),
        condition: condition === undefined ? null : { name: condition, read: () => files.read(condition) },
      };
    },
    close: () => files.close(),
  };
}
