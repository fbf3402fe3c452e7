import { Command } from 'commander';
import { finite, integer, seed } from '@controllab/command-line';
import type { EvaluationOptions } from '../evaluate/evaluate.ts';
import { tierOption } from './tier-option.ts';

/** `mini evaluate`: what the embedded default can draw. */
export function command(): Command {
  return new Command('mini evaluate')
    .description('Measures what the embedded default can draw: objects, sizes, pairs, places, colours, by guidance scale.')
    .addOption(tierOption())
    .option('--seed <integer>', 'seed of the noise', seed, 1)
    .option('--guidance <number>', 'guidance scale', finite(0), 4)
    .option('--steps <integer>', 'sampling steps', integer(1), 20)
    .option('--per-object <integer>', 'large singles of each object; half as many small ones and pairs', integer(1), 2)
    .action(async (flags: EvaluationOptions) => {
      const [{ evaluateBaseModel }, { plainLines }] = await Promise.all([import('../evaluate/evaluate.ts'), import('@controllab/data')]);
      const say = (message: string): void => console.log(plainLines(message));
      say(`report: ${await evaluateBaseModel(flags, say)}/index.html`);
    });
}
