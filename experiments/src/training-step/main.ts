import { CommanderError } from 'commander';
import { parseTrainingStep } from './options.ts';

try {
  const options = parseTrainingStep(process.argv.slice(2));
  // Loaded after the flags are known to be right: a typing mistake is answered at once.
  const { runTrainingStep } = await import('./training-step.ts');
  console.log(`report: ${await runTrainingStep(options, (message) => console.log(message))}/index.html`);
} catch (error) {
  if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
  console.error(`\n${(error as Error).message}`);
  process.exitCode = 1;
}
