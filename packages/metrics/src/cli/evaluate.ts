/** Measures a set of images and writes a report: `--help` lists the options. */
import { CommanderError } from 'commander';
import { CoreBlocksError } from '@controllab/core-blocks';
import { ReportError } from '@controllab/report';
import { MetricsError } from '../errors.ts';
import { evaluateFlags } from './evaluate-options.ts';

try {
  const flags = evaluateFlags(process.argv.slice(2));
  // Loaded after the flags are known to be right: a typing mistake is answered at once.
  const { runEvaluate } = await import('./run-evaluate.ts');
  console.log(`report: ${await runEvaluate(flags, `npx nx run metrics:evaluate ${process.argv.slice(2).join(' ')}`)}`);
} catch (error) {
  if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
  // What is wrong with the input is said in a sentence; a fault of the program keeps its trace.
  const answered = error instanceof MetricsError || error instanceof CoreBlocksError || error instanceof ReportError;
  console.error(answered ? `\n${error.message}` : error);
  process.exitCode = 1;
}
