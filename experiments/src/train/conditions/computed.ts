import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  DataError,
  decodeImage,
  jsonHash,
  openDataset,
  pixelHash,
  writeAtomic,
  type Dataset,
  type DatasetReference,
  type RgbImage,
} from '@controllab/data';
import { encodePng } from '@controllab/report';
import type { Extractor } from './extractor.ts';

/** The condition that was computed of each picture. */
export const COMPUTED = 'computed';

/** How a data set with computed conditions is opened again. */
interface ComputedSource {
  readonly dataset: DatasetReference;
  readonly folder: string;
  readonly hash: string;
}

const fileOf = (folder: string, image: RgbImage): string => path.join(folder, `${pixelHash(image)}.png`);

/** A stored condition; null where it is not there, or is damaged. */
async function stored(file: string, { width, height }: RgbImage): Promise<RgbImage | null> {
  const bytes = await readFile(file).catch(() => null);
  if (bytes === null) return null;
  const { rgb, ...size } = await decodeImage(bytes, file).catch(() => ({ rgb: new Uint8Array(), width: 0, height: 0 }));
  return size.width === width && size.height === height ? { rgb, width, height } : null;
}

function withConditions(dataset: Dataset, { folder, hash, ...source }: ComputedSource): Dataset {
  return {
    ...dataset,
    id: dataset.id,
    length: dataset.length,
    hash,
    conditions: [...dataset.conditions, COMPUTED],
    reference: { module: import.meta.url, data: { folder, hash, ...source } satisfies ComputedSource },
    async example(index) {
      const example = await dataset.example(index);
      const file = fileOf(folder, example.image);
      const condition = await stored(file, example.image);
      if (condition === null)
        throw new DataError('invalid-dataset', `${dataset.id}: the condition of example ${index} is gone or damaged: begin again`, {
          file,
        });
      return { ...example, condition: (id) => (id === COMPUTED ? condition : example.condition(id)) };
    },
  };
}

/** Opens it again from a `DatasetReference`. */
export default async (source: ComputedSource): Promise<Dataset> => withConditions(await openDataset(source.dataset), source);

/** Pictures between two words about how far it is. */
const SAID_EVERY = 100;

/**
 * The data set with a condition `computed` of its first examples. Each is kept in a folder of the extractor under the hash of its picture's
 * pixels, and made where it is not there yet, or damaged.
 * @throws ExperimentError invalid-option, of the extractor
 */
export async function computeConditions(
  dataset: Dataset,
  examples: number,
  extractor: Extractor,
  { store, say }: { store: string; say(message: string): void },
): Promise<Dataset> {
  const folder = path.join(store, 'conditions', jsonHash(extractor.identity).slice(0, 32));
  await mkdir(folder, { recursive: true });
  const hash = createHash('sha256');
  let made = 0;
  for (let i = 0; i < examples; i++) {
    const { image } = await dataset.example(i);
    const file = fileOf(folder, image);
    let condition = await stored(file, image);
    if (condition === null) {
      condition = await extractor.extract(image);
      await writeAtomic(file, await encodePng(condition.rgb, condition.width, condition.height));
      if (++made % SAID_EVERY === 0) say(`conditions: ${i + 1} of ${examples}`);
    }
    hash.update(pixelHash(condition));
  }
  say(`conditions of ${examples} pictures: ${made} computed, ${examples - made} were there`);
  // A program may make another condition the next time: what was made decides, not what it is called.
  const own = { dataset: dataset.hash, extractor: extractor.identity, conditions: hash.digest('hex') };
  return withConditions(dataset, { dataset: dataset.reference, folder, hash: jsonHash(own) });
}
