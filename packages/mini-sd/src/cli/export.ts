import path from 'node:path';
import { Command, Option } from 'commander';
import { named, userPath } from '@controllab/command-line';
import { checkOutput } from '@controllab/data';
import { MiniSdError } from '../errors.ts';
import { communityStyles, type CommunityStyle } from '../names.ts';

/** `mini export`: the embedded default as other programs read it. */
export function command(): Command {
  return new Command('mini export')
    .description("Writes the embedded default in diffusers' layout, for programs in Python.")
    .requiredOption('--out <folder>', 'a new or empty folder', named)
    .addOption(new Option('--style <name>', 'a community model in its place').choices(communityStyles))
    .action(async ({ out, style }: { out: string; style?: CommunityStyle }) => {
      const folder = userPath(out);
      const { readdir } = await import('node:fs/promises');
      await checkOutput(folder, 'folder');
      const [file] = await readdir(folder).catch(() => []);
      if (file !== undefined)
        throw new MiniSdError('invalid-argument', `mini export: ${out} holds files (${file}); name a new or empty folder with --out.`, {
          out,
        });
      const { exportDiffusers } = await import('../export-diffusers.ts');
      for (const name of await exportDiffusers(folder, style === undefined ? {} : { style }))
        process.stdout.write(`${path.relative(process.cwd(), path.join(folder, name))}\n`);
    });
}
