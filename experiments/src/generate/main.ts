import { CommanderError } from 'commander';
import { parseGenerate } from './options.ts';

try {
  const options = parseGenerate(process.argv.slice(2));
  // Loaded after the flags are known to be right: a typing mistake is answered at once.
  const { generate } = await import('./generate.ts');
  console.log(await generate(options, (message) => console.log(message)));
} catch (error) {
  if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
  console.error(`\n${(error as Error).message}`);
  process.exitCode = 1;
}
