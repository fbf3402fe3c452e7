import { runCommand } from '../runner/command.ts';
import { parseLatency } from './options.ts';

await runCommand(async () => {
  const options = parseLatency(process.argv.slice(2));
  // Loaded after the flags are known to be right: a typing mistake is answered at once.
  const { runLatency } = await import('./latency.ts');
  console.log(`report: ${await runLatency(options, (message) => console.log(message))}/index.html`);
});
