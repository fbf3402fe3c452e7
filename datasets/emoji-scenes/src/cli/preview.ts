import { join } from 'node:path';
import { Command, Option } from 'commander';
import { integer, seed, userPath, workspaceRoot } from '@controllab/command-line';
import { plainText, writeAtomic } from '@controllab/data';
import { catalogue, tiers, type Tier } from '../catalogue/catalogue.ts';
import { contactSheet } from '../rendering/contact-sheet.ts';
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

/** `data preview`: a contact sheet of emoji-scenes. */
export function command(): Command {
  return new Command('data preview')
    .description('Draws a contact sheet of emoji-scenes: scenes in every style, every condition, and the captions.')
    .addOption(new Option('--tier <name>', 'pool of objects').choices(tiers).default('core'))
    .addOption(new Option('--split <name>', 'which scenes').choices(splits).default('train'))
    .addOption(new Option('--mix <name>', 'mix of one, two and three objects').choices(['default', 'training']).default('default'))
    .option('--count <n>', 'number of scenes', integer(1, 200), 10)
    .option('--size <pixels>', 'side of the images', integer(16, 512), 64)
    .option('--seed <n>', 'seed of the data set', seed, 7)
    .addOption(
      new Option('--out <file>', 'where to write the PNG').default(
        join(workspaceRoot, 'reports', 'emoji-scenes', 'preview.png'),
        'reports/emoji-scenes/preview.png',
      ),
    )
    .action(writePreview);
}

async function writePreview({ tier, split, mix, count, size, seed, out }: Flags): Promise<void> {
  const png = await contactSheet(count, {
    seed,
    size,
    split,
    objects: catalogue(tier),
    mix: mix === 'training' ? trainingMix : defaultMix(size),
  });
  const file = userPath(out);
  await writeAtomic(file, png);
  console.log(plainText(`Wrote ${count} scenes to ${file}`));
}
