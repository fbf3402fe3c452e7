import { checkIndex, jsonHash, openDataset, uniform, type Dataset, type DatasetReference, type Example } from '@controllab/data';
import { DataScalingError } from '../errors.ts';

interface WrongData {
  readonly of: DatasetReference;
  readonly share: number;
  readonly seed: number;
}

/**
 * A dataset in which a share of the examples has another one's conditions: neighbours (2k, 2k + 1) exchange theirs, pair by pair by chance.
 * Every prefix of an even length holds its own conditions and no others, each once, so that nested subsets stay nested; the last example of
 * an odd length keeps its own. Pictures and captions are as they were.
 * @throws DataScalingError invalid-argument for a share that is none
 */
export function wrongConditions(dataset: Dataset, { share, seed = 1 }: { share: number; seed?: number }): Dataset {
  if (!(share >= 0 && share <= 1))
    throw new DataScalingError('invalid-argument', `the share of wrong conditions lies between 0 and 1, got ${share}`, { share });
  const data: WrongData = { of: dataset.reference, share, seed };
  const { id, length, conditions } = dataset;
  const partnerOf = (index: number): number => {
    const partner = index % 2 === 0 ? index + 1 : index - 1;
    return partner < length && uniform(seed, 'wrong conditions', Math.floor(index / 2), 1)[0]! < share ? partner : index;
  };
  return {
    id: `${id}, ${100 * share}% wrong conditions`,
    hash: jsonHash({ wrongConditions: 'neighbours', of: dataset.hash, share, seed }),
    length,
    conditions,
    reference: { module: import.meta.url, data },
    async example(index): Promise<Example> {
      checkIndex({ id, length }, index);
      const own = await dataset.example(index);
      const partner = partnerOf(index);
      if (partner === index) return own;
      const other = await dataset.example(partner);
      return {
        get image() {
          return own.image;
        },
        captions: own.captions,
        condition: (condition) => other.condition(condition),
      };
    },
  };
}

/** Opens it again from its reference. */
export default async function openWrong(data: unknown): Promise<Dataset> {
  const { of, share, seed } = data as WrongData;
  return wrongConditions(await openDataset(of), { share, seed });
}
