import { readFile } from 'node:fs/promises';
import { parseCsv } from './csv.ts';
import { DataError } from './errors.ts';
import { comparedName } from './image-sources/names.ts';
import { decodeText } from './text.ts';

const COLUMNS = ['file', 'caption'];
/** Names that a message gives as examples. */
const NAMED = 5;

const list = (names: readonly string[]): string =>
  `${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? `, ... (${names.length})` : ''}`;

/** The captions of images by the images' names as they are compared (`comparedName`); an image may have several. */
export type Captions = ReadonlyMap<string, readonly string[]>;

/**
 * Captions by image from a CSV file with the columns `file` (the image's name within its set) and `caption`, a row a caption.
 * @param encoding of a file that is not UTF-8, see `decodeText`
 * @throws DataError invalid-captions naming the row: no such columns, an image's caption a second time, an empty caption; invalid-text
 * naming the line
 */
export async function readCaptions(file: string, encoding?: string): Promise<Captions> {
  const fail = (message: string, values: Record<string, unknown> = {}): never => {
    throw new DataError('invalid-captions', `${file}: ${message}`, { file, ...values });
  };
  const bytes = await readFile(file).catch((error: Error) => fail(`cannot be read: ${error.message}`));
  const text = decodeText(bytes, file, encoding);
  const [header = [], ...records] = parseCsv(text, fail, { file }).rows.map(({ record }) => record);
  const [fileAt, captionAt] = COLUMNS.map((column) => header.indexOf(column)) as [number, number];
  if (fileAt < 0 || captionAt < 0)
    return fail(`expected a header with the columns ${COLUMNS.join(' and ')}, found ${header.join(', ') || 'nothing'}`, { header });
  const captions = new Map<string, string[]>();
  for (const [i, record] of records.entries()) {
    const name = comparedName(record[fileAt]!);
    const caption = record[captionAt]!.trim();
    const others = captions.get(name) ?? [];
    if (others.includes(caption)) fail(`row ${i + 2} gives ${name} the same caption for a second time`, { row: i + 2, name });
    if (caption === '') fail(`row ${i + 2} has no caption for ${name}`, { row: i + 2, name });
    captions.set(name, [...others, caption]);
  }
  return captions;
}

/**
 * The captions of a set's images, in their order. A caption too few or too many says that the table belongs to another set.
 * @param set names it in messages
 * @throws DataError captions-mismatch naming images without a caption and captions without an image
 */
export function matchCaptions(set: string, names: readonly string[], captions: Captions): (readonly string[])[] {
  const byName = new Map<string, readonly string[]>();
  for (const [name, texts] of captions) byName.set(comparedName(name), [...(byName.get(comparedName(name)) ?? []), ...texts]);
  const known = new Map<string, string>();
  for (const name of names) {
    const other = known.get(comparedName(name));
    if (other !== undefined)
      throw new DataError('captions-mismatch', `${set}: "${other}" and "${name}" are the same name in other bytes (Unicode NFC)`, {
        names: [other, name],
      });
    known.set(comparedName(name), name);
  }
  const missing = names.filter((name) => !byName.has(comparedName(name)));
  const extra = [...byName.keys()].filter((name) => !known.has(name));
  if (missing.length > 0 || extra.length > 0) {
    const problems = [
      ...(missing.length > 0 ? [`${missing.length} of ${names.length} images have none: ${list(missing)}`] : []),
      ...(extra.length > 0 ? [`${extra.length} of ${byName.size} name no image: ${list(extra)}`] : []),
    ];
    throw new DataError('captions-mismatch', `${set}: the captions do not fit the images: ${problems.join('; ')}`, {
      missing: missing.length,
      extra: extra.length,
    });
  }
  return names.map((name) => byName.get(comparedName(name))!);
}
