import { Argument, Command } from 'commander';
import { integer, seed, userPath } from '@controllab/command-line';
import { plainText } from '@controllab/data';
import { writeFill50k } from '../write.ts';

interface Flags {
  count: number;
  size: number;
  seed: number;
  out: string;
}

/** `data write`: a data set that is made by a program, as files for other tools. */
export function command(): Command {
  return new Command('data write')
    .description('Writes fill50k, circles with their outlines, as the files of ControlNet’s tutorial: prompt.json, source/ and target/.')
    .addArgument(new Argument('<dataset>', 'which data set').choices(['fill50k']))
    .requiredOption('--out <folder>', 'where to write it: a new folder, or an empty one')
    .option('--count <n>', 'number of pictures', integer(1, 10_000_000), 50_000)
    .option('--size <pixels>', 'side of the pictures', integer(16, 2048), 512)
    .option('--seed <n>', 'seed of the data set', seed, 0)
    .action(write);
}

const EVERY = 1000;

async function write(dataset: string, { count, size, seed, out }: Flags): Promise<void> {
  const folder = userPath(out);
  await writeFill50k(folder, { seed, size, length: count }, (written) => {
    if (written % EVERY === 0 && written < count) console.error(`${written} of ${count} pictures`);
  });
  console.log(plainText(`Wrote ${count} pictures of ${dataset} to ${folder}`));
}
