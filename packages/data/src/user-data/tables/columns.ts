import { DataError } from '../../errors.ts';

/** Columns of a table by what they hold. */
export interface Columns {
  readonly image?: string | undefined;
  readonly caption?: string | undefined;
  readonly condition?: string | undefined;
}

/** Names that other tools give their columns: the suite's own, ControlNet's, diffusers', Hugging Face's. */
const NAMES = {
  image: ['image', 'target', 'file_name', 'image_file_name', 'file', 'filename', 'image_path', 'image_file', 'path', 'img', 'jpg', 'png'],
  caption: ['caption', 'text', 'prompt', 'captions', 'description', 'txt'],
  condition: [
    ...['condition', 'conditioning_image', 'conditioning_image_file_name', 'condition_file_name', 'conditioning_image_path'],
    ...['condition_path', 'condition_image', 'control', 'control_image', 'hint', 'cond'],
  ],
} as const satisfies Record<keyof Columns, readonly string[]>;

/** What a person names them with. */
export const FLAGS = { image: '--image-column', caption: '--caption-column', condition: '--conditioning-image-column' } as const;

/** What stands for a column, where none is meant: `--conditioning-image-column none`; of files, where none is to be read. */
export const NO_COLUMN = 'none';

/** The columns that are read: those that were named, or those whose names say what they hold. */
export interface ChosenColumns {
  readonly image: string;
  readonly caption: string | null;
  readonly condition: string | null;
}

/**
 * @param there the table's columns
 * @param table names it in messages
 * @throws DataError invalid-columns for a named one that is not there, for none that holds pictures (or captions, where they are
 * required), and for several that could
 */
export function chooseColumns(
  table: string,
  there: readonly string[],
  named: Columns,
  { captions }: { captions: 'required' | 'none' },
): ChosenColumns {
  const fail = (message: string): never => {
    throw new DataError('invalid-columns', `${table} ${message}; it has ${there.join(', ') || 'no columns'}`, { table, columns: there });
  };
  const find = (kind: keyof Columns): string | null => {
    const wanted = named[kind];
    if (wanted === NO_COLUMN) return null;
    if (wanted !== undefined) return there.includes(wanted) ? wanted : fail(`has no column "${wanted}" for the ${kind}`);
    const known: readonly string[] = NAMES[kind];
    const found = there.filter((name) => known.includes(name.toLowerCase()) && !Object.values(named).includes(name));
    if (found.length > 1) return fail(`has several columns that may be the ${kind} (${found.join(', ')}): say which with ${FLAGS[kind]}`);
    return found[0] ?? null;
  };
  const image = find('image') ?? fail('has no column that is known to hold pictures: say which with --image-column');
  const caption = captions === 'none' ? null : find('caption');
  if (captions === 'required' && caption === null)
    fail('has no column that is known to hold captions: say which with --caption-column, or train without with --captions none');
  // ControlNet calls its condition "source", which elsewhere says where a picture is from.
  const source = image === 'target' && named.condition === undefined && there.includes('source') ? 'source' : null;
  return { image, caption, condition: find('condition') ?? source };
}
