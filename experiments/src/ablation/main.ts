import { CommanderError } from 'commander';
import { parseExperiment } from '../runner/command.ts';
import { profiles } from './design.ts';

try {
  const options = parseExperiment('ablation', 'ControlNet, Gaussian convolutions and ControlNet-lite under four prompt settings.', Object.keys(profiles) as (keyof typeof profiles)[], process.argv.slice(2));
  // Loaded after the flags are known to be right: a typing mistake is answered at once.
  const { runAblation } = await import('./ablation.ts');
  const directory = await runAblation(options, (message) => console.log(message));
  if (directory === null) process.exitCode = 130;
  else console.log(`report: ${directory}/index.html`);
} catch (error) {
  if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
  console.error(`\n${(error as Error).message}`);
  process.exitCode = 1;
}
