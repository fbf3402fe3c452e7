import { Command, Option } from 'commander';
import { integer, named, userPath } from '@controllab/command-line';
import { DATA_FORMATS, plainText, type UserDataOptions } from '@controllab/data';

interface Flags extends Pick<UserDataOptions, 'captions' | 'crop' | 'allowOutside' | 'encoding' | 'resolution'> {
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
    .addOption(new Option('--crop <where>', 'which square of a picture').choices(['center', 'random']).default('center'))
    .option('--encoding <name>', 'of captions that are not UTF-8', named)
    .option('--resolution <pixels>', 'side of the squares that are cut', integer(8, 8192), 64)
    .option('--out <folder>', 'where to write the report: a new folder, an empty one, or that of an earlier check', 'data-check')
    .action(check);
}

async function check(flags: Flags, self: Command): Promise<void> {
  const [{ checkData }, { commandText }] = await Promise.all([import('./check.ts'), import('@controllab/command-line')]);
  const { data, dataFormat: format, imageColumn: image, captionColumn: caption, conditioningImageColumn: condition, out, ...rest } = flags;
  const options: UserDataOptions = { ...rest, data: userPath(data), format, columns: { image, caption, condition } };
  const lines = await checkData(options, userPath(out), commandText(self));
  for (const line of lines) console.log(plainText(line));
}
