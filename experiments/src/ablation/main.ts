import { parseExperiment, runCommand } from '../runner/command.ts';
import { profiles } from './design.ts';

await runCommand(async () => {
  const options = parseExperiment(
    'ablation',
    'ControlNet, Gaussian convolutions and ControlNet-lite under four prompt settings.',
    Object.keys(profiles) as (keyof typeof profiles)[],
    process.argv.slice(2),
  );
  // Loaded after the flags are known to be right: a typing mistake is answered at once.
  const { runAblation } = await import('./ablation.ts');
  const directory = await runAblation(options, (message) => console.log(message));
  if (directory === null) process.exitCode = 130;
  else console.log(`report: ${directory}/index.html`);
});
