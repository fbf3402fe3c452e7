import { runCommand } from '../runner/command.ts';
import { command } from './command.ts';

await runCommand(async () => {
  await command().allowExcessArguments(false).exitOverride().parseAsync();
});
