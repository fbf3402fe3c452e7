import { runCommand } from '../runner/command.ts';
import { parseTrainingStep } from './options.ts';

await runCommand(async () => {
  const options = parseTrainingStep(process.argv.slice(2));
  // Loaded after the flags are known to be right: a typing mistake is answered at once.
  const { runTrainingStep } = await import('./training-step.ts');
  console.log(`report: ${await runTrainingStep(options, (message) => console.log(message))}/index.html`);
});
