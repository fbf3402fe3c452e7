import { Command, Option } from 'commander';
import { integer, named, userPath } from '@controllab/command-line';
import { ExperimentError } from '../runner/errors.ts';
import { DATA_FORMATS, plainText, type UserDataOptions } from '@controllab/data';

/** What the embedded default's sides are multiples of: four pixels a latent, halved twice. */
const MINI_STEP = 16;

interface Flags extends Pick<UserDataOptions, 'captions' | 'crop' | 'allowOutside' | 'encoding' | 'resolution'> {
  aspectBuckets: boolean;
  bucketStep?: number;
  data: string;
  dataFormat?: UserDataOptions['format'];
  imageColumn?: string;
  captionColumn?: string;
  conditioningImageColumn?: string;
  onBadRow: 'stop' | 'skip';
  out: string;
}

/** `data check`: what a user's pictures are, before anything is trained on them. */
export function command(): Command {
  return new Command('data check')
    .description(
      'Reads all of your pictures as train would: rows that cannot be read, sizes, captions, duplicates, a contact sheet; writes a report.',
    )
    .requiredOption('--data <path>', 'a folder, a table, an archive, or shards by a pattern', named)
    .addOption(new Option('--data-format <name>', 'of the data, where its name does not say it').choices(DATA_FORMATS))
    .option('--image-column <name>', 'column of the pictures', named)
    .option('--caption-column <name>', 'column of the captions', named)
    .option('--conditioning-image-column <name>', 'column of the conditions', named)
    .addOption(new Option('--captions <rule>', 'none: captions are not needed').choices(['required', 'none']).default('required'))
    .addOption(new Option('--on-bad-row <what>', 'what to do with a row that cannot be read').choices(['stop', 'skip']).default('skip'))
    .option('--allow-outside', 'follow paths of the data that lead out of its folder', false)
    .addOption(new Option('--crop <where>', 'which part of a picture is kept').choices(['center', 'random']).default('center'))
    .option('--encoding <name>', 'of captions that are not UTF-8', named)
    .option('--resolution <pixels>', 'side of the squares that are cut', integer(8, 8192), 64)
    .option('--aspect-buckets', 'count the sizes that train --aspect-buckets would cut to, in place of squares', false)
    .option(
      '--bucket-step <pixels>',
      `what sides of buckets are multiples of: 64 for Stable Diffusion; by default the embedded default's, ${MINI_STEP}`,
      integer(1),
    )
    .option('--out <folder>', 'where to write the report: a new folder, an empty one, or that of an earlier check', 'data-check')
    .action(check);
}

async function check(flags: Flags, self: Command): Promise<void> {
  const [{ checkData }, { commandText }] = await Promise.all([import('./check.ts'), import('@controllab/command-line')]);
  const { aspectBuckets, bucketStep, ...given } = flags;
  if (bucketStep !== undefined && !aspectBuckets)
    throw new ExperimentError('invalid-option', 'data check: --bucket-step is for --aspect-buckets.', { bucketStep });
  if (given.captions === 'none' && given.captionColumn !== undefined)
    throw new ExperimentError('invalid-option', 'data check: --captions none reads no --caption-column.', { column: given.captionColumn });
  const { data, dataFormat: format, imageColumn: image, captionColumn: caption, conditioningImageColumn: condition, out, ...rest } = given;
  const buckets = aspectBuckets ? { bucketStep: bucketStep ?? MINI_STEP } : {};
  const options: UserDataOptions = { ...rest, ...buckets, data: userPath(data), format, columns: { image, caption, condition } };
  const lines = await checkData(options, userPath(out), commandText(self));
  for (const line of lines) console.log(plainText(line));
}
