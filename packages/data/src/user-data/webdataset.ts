import { createHash, type Hash } from 'node:crypto';
import { DataError } from '../errors.ts';
import { kindByName } from '../image-sources/kinds.ts';
import { MAX_CAPTION_FILE_BYTES, MAX_ENTRY_BYTES } from '../image-sources/limits.ts';
import { sampleParts } from '../image-sources/tar/samples.ts';
import { decodeText } from '../text.ts';
import { openLocal } from './files/local-folder.ts';
import { indexTar, type TarPlace } from './files/tar-files.ts';
import { Numbers } from './numbers.ts';
import type { UserDataOptions } from './options.ts';
import { eachFile, type PictureRef, type Row, type Rows } from './rows.ts';
import { shardNames } from './shards.ts';
import { NO_COLUMN, type Columns } from './tables/columns.ts';

const CONDITION = /^(condition|cond|conditioning_image|control|hint)\.[^.]+$/;
const CAPTIONS = ['txt', 'caption', 'json'];
/** Keys of a sample's JSON that hold its caption. */
const CAPTION_KEYS = ['caption', 'text', 'prompt'];

const PARTS = ['condition', 'caption', 'image'] as const;
type Part = (typeof PARTS)[number];

/** The files of one sample, by what they hold. */
interface Sample {
  readonly key: string;
  image: TarPlace | null;
  caption: TarPlace | null;
  condition: TarPlace | null;
  /** Why it is no row. */
  problem: string | null;
}

/** Where the files of all samples lie, as numbers: millions take hundreds of megabytes. A file that is not there lies at -1. */
class Samples {
  readonly keys: string[] = [];
  readonly problems = new Map<number, string>();
  readonly #shards = new Numbers();
  readonly #places = new Numbers();
  readonly #json = new Numbers();

  get length(): number {
    return this.keys.length;
  }
  add(shard: number, { key, image, caption, condition, problem }: Sample): void {
    if (problem !== null) this.problems.set(this.keys.length, problem);
    this.keys.push(key);
    this.#shards.push(shard);
    this.#json.push(caption?.name.toLowerCase().endsWith('.json') ? 1 : 0);
    for (const place of [image, caption, condition]) {
      this.#places.push(place?.offset ?? -1);
      this.#places.push(place?.size ?? 0);
    }
  }
  shard(index: number): number {
    return this.#shards.at(index);
  }
  hasJson(index: number): boolean {
    return this.#json.at(index) === 1;
  }
  place(index: number, part: Part): { offset: number; size: number } | null {
    const at = index * 6 + { image: 0, caption: 2, condition: 4 }[part];
    return this.#places.at(at) < 0 ? null : { offset: this.#places.at(at), size: this.#places.at(at + 1) };
  }
}

/**
 * A webdataset: samples of shards, one shard after the other, in their order. Files of one sample lie together and have a key in common,
 * which ends at the first dot of their names; what follows is the component: `jpg`, `txt`, `condition.png`.
 * @param shards whole paths
 * @throws DataError empty-input; ambiguous-component; what `indexTar` throws, unless bad rows are passed over
 */
export async function openWebdataset(set: string, shards: readonly string[], options: UserDataOptions): Promise<Rows> {
  const samples = new Samples();
  const names = shardNames(shards);
  // Of several shards nobody makes one folder.
  const orFolder = shards.length === 1 ? ', or give --data-format folder' : '';
  const hash = createHash('sha256');
  const problems = await eachFile(shards, options, async (file, shard) => {
    const places = await indexTar(file);
    digestOf(hash, places);
    for (const sample of grouped(file, places, options, orFolder)) samples.add(shard, sample);
  });
  const digest = hash.digest('hex');
  let hasConditions = false;
  for (let i = 0; i < samples.length && !hasConditions; i++) hasConditions = samples.place(i, 'condition') !== null;
  if (samples.length === 0 && problems.length === 0) throw new DataError('empty-input', `${set} holds no files`, { path: set });
  const read = async (index: number, part: Part, limit: number): Promise<Buffer | null> => {
    const place = samples.place(index, part);
    if (place === null) return null;
    if (place.size > limit)
      throw new DataError('archive-limit', `its ${part} has ${place.size} bytes, the limit is ${limit}`, { ...place });
    const bytes = await (await openLocal(shards[samples.shard(index)]!)).read(place.offset, place.size);
    if (bytes.length < place.size) throw new DataError('invalid-archive', `the archive has changed: its ${part} is cut short`, {});
    return bytes;
  };
  const picture = (index: number, part: 'image' | 'condition'): PictureRef => ({
    name: `its ${part}`,
    read: async () => (await read(index, part, MAX_ENTRY_BYTES))!,
  });
  return {
    path: set,
    format: 'webdataset',
    length: samples.length,
    hasConditions,
    digest: async () => digest,
    problems,
    where: (i) => `${names.get(shards[samples.shard(i)]!)}, sample ${samples.keys[i]}`,
    async row(i): Promise<Row> {
      const problem = samples.problems.get(i);
      if (problem !== undefined) throw new DataError('invalid-row', problem, {});
      const condition = samples.place(i, 'condition');
      if (hasConditions && condition === null) throw new DataError('invalid-row', 'it has no condition picture, as others have', {});
      const caption = options.captions === 'none' ? null : await read(i, 'caption', MAX_CAPTION_FILE_BYTES);
      return {
        image: picture(i, 'image'),
        caption: caption === null ? null : captionOf(caption, samples.hasJson(i), options.encoding),
        condition: condition === null ? null : picture(i, 'condition'),
      };
    },
    close: async () => {},
  };
}

const digestOf = (hash: Hash, places: readonly TarPlace[]): void => {
  for (const { name, size } of places) hash.update(`${size} ${name}\n`);
};

/** Consecutive files with one key. @param orFolder advice for a tar that may be none */
function* grouped(file: string, places: readonly TarPlace[], { columns = {} }: UserDataOptions, orFolder: string): Generator<Sample> {
  let sample = null as Sample | null;
  const finished = (one: Sample): Sample => {
    if (one.image === null) one.problem ??= 'it has no picture';
    return one;
  };
  for (const place of places) {
    const { key, component } = sampleParts(place.name);
    if (sample?.key !== key) {
      if (sample !== null) yield finished(sample);
      sample = { key, image: null, caption: null, condition: null, problem: null };
    }
    const part = partOf(component, columns);
    if (part === null) continue;
    if (sample[part] !== null && part === 'image')
      throw new DataError(
        'ambiguous-component',
        `${file}: the sample ${key} has several pictures (${sampleParts(sample[part].name).component}, ${component}): say which with --image-column${orFolder}`,
        { file, key },
      );
    // Of several captions the text is meant, which comes before what else is known of a picture.
    if (sample[part] === null || CAPTIONS.indexOf(component) < CAPTIONS.indexOf(sampleParts(sample[part].name).component))
      sample[part] = place;
  }
  if (sample !== null) yield finished(sample);
}

/** What a component holds: what was named, or what its name says. */
function partOf(component: string, columns: Columns): Part | null {
  const named = PARTS.find((part) => columns[part]?.toLowerCase() === component);
  if (named !== undefined) return named;
  if (CONDITION.test(component)) {
    if (columns.condition === undefined) return 'condition';
    // Where none is to be read, it is no picture of the sample either.
    if (columns.condition === NO_COLUMN) return null;
  }
  if (columns.caption === undefined && CAPTIONS.includes(component)) return 'caption';
  return columns.image === undefined && isPicture(component) ? 'image' : null;
}

const isPicture = (component: string): boolean => ['image', 'unreadable'].includes(kindByName(`x.${component}`));

function captionOf(bytes: Buffer, isJson: boolean, encoding: string | undefined): string {
  const text = decodeText(bytes, 'its caption', encoding);
  if (!isJson) return text;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DataError('invalid-row', `its JSON cannot be read: ${(error as Error).message}`, {}, { cause: error });
  }
  const found = typeof value === 'object' && value !== null ? CAPTION_KEYS.map((key) => (value as Record<string, unknown>)[key]) : [value];
  const caption = found.find((one) => one !== undefined);
  if (typeof caption === 'string') return caption;
  throw new DataError('invalid-row', `its JSON holds no text under ${CAPTION_KEYS.join(', ')}`, {});
}
