import type { Command } from 'commander';
import { commandText } from '@controllab/command-line';
import { checkedFlags, evaluateOptions, type EvaluateFlags } from './evaluate-options.ts';

/** `evaluate`: measures a set of images and writes a report. */
export function command(): Command {
  return evaluateOptions().action(async (given: EvaluateFlags, self: Command) => {
    const flags = checkedFlags(given, self);
    // Loaded after the flags are known to be right: a typing mistake is answered at once.
    const [{ runEvaluate }, { plainText }] = await Promise.all([import('./run-evaluate.ts'), import('@controllab/data')]);
    console.log(plainText(`report: ${await runEvaluate(flags, commandText(self))}`));
  });
}
