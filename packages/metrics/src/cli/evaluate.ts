/** Measures a set of images and writes a report: `--help` lists the options. */
import { CommanderError } from 'commander';
import { evaluateFlags } from './evaluate-options.ts';

/** Errors that say in a sentence what is wrong with the input. By name: loading their packages takes seconds. Others keep their trace. */
const ANSWERS = ['MetricsError', 'DataError', 'CoreBlocksError', 'TfjsOnnxError', 'ReportError'];

try {
  const flags = evaluateFlags(process.argv.slice(2));
  // Loaded after the flags are known to be right: a typing mistake is answered at once.
  const { runEvaluate } = await import('./run-evaluate.ts');
  console.log(`report: ${await runEvaluate(flags, `npx nx run metrics:evaluate ${process.argv.slice(2).join(' ')}`)}`);
} catch (error) {
  if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
  const { name, message } = error as Error;
  console.error(ANSWERS.includes(name) ? `\n${message}` : error);
  process.exitCode = 1;
}
