import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { writeAtomic } from '@controllab/data';
import { catalogue, tiers, type Tier } from '../catalogue/catalogue.ts';
import { contactSheet } from '../rendering/contact-sheet.ts';
import { EmojiScenesError } from '../emoji-scenes-error.ts';
import { defaultMix, trainingMix } from '../scenes/scene-mix.ts';
import { splits, type Split } from '../scenes/split.ts';

interface Flags {
  tier: Tier;
  split: Split;
  mix: 'default' | 'training';
  count: number;
  size: number;
  seed: number;
  out: string;
}

const integer = (least: number, most: number) => (value: string) => {
  const number = Number(value);
  if (value.trim() === '' || !Number.isInteger(number) || number < least || number > most)
    throw new InvalidArgumentError(`Expected an integer from ${least} to ${most}.`);
  return number;
};

const command = new Command('emoji-scenes:preview')
  .description('Draws a contact sheet: scenes in every style, every condition, and the captions.')
  .addOption(new Option('--tier <name>', 'pool of objects').choices(tiers).default('core'))
  .addOption(new Option('--split <name>', 'which scenes').choices(splits).default('train'))
  .addOption(new Option('--mix <name>', 'mix of one, two and three objects').choices(['default', 'training']).default('default'))
  .option('--count <n>', 'number of scenes', integer(1, 200), 10)
  .option('--size <pixels>', 'side of the images', integer(16, 512), 64)
  .option('--seed <n>', 'seed of the data set', integer(0, 2 ** 32 - 1), 7)
  .option('--out <file>', 'where to write the PNG', 'reports/emoji-scenes/preview.png')
  .allowExcessArguments(false)
  .showHelpAfterError('(--help lists the options)')
  .parse();

const { tier, split, mix, count, size, seed, out } = command.opts<Flags>();
try {
  const png = await contactSheet(count, {
    seed,
    size,
    split,
    objects: catalogue(tier),
    mix: mix === 'training' ? trainingMix : defaultMix(size),
  });
  await writeAtomic(resolve(out), png);
  console.log(`Wrote ${count} scenes to ${resolve(out)}`);
} catch (error) {
  if (!(error instanceof EmojiScenesError)) throw error;
  command.error(`error: ${error.message}`);
}
