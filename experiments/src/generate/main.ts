import { runCommand } from '../runner/command.ts';
import { parseGenerate } from './options.ts';

await runCommand(async () => {
  const options = parseGenerate(process.argv.slice(2));
  // Loaded after the flags are known to be right: a typing mistake is answered at once.
  const { generate } = await import('./generate.ts');
  console.log(await generate(options, (message) => console.log(message)));
});
