import type { Command } from 'commander';
import { generateFlags, generateOptions, type GenerateFlags } from './options.ts';

/** `generate`: pictures of prompts, from any base and controls. */
export const command = (): Command =>
  generateFlags().action(async (flags: GenerateFlags) => {
    const options = generateOptions(flags);
    // Loaded after the flags are known to be right: a typing mistake is answered at once.
    const [{ generate }, { Progress }, { plainText }] = await Promise.all([
      import('./generate.ts'),
      import('@controllab/report'),
      import('@controllab/data'),
    ]);
    for (const file of await generate(options, new Progress())) process.stdout.write(`${plainText(file)}\n`);
  });
