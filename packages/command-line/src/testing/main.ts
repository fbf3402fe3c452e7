/** The program of {@link startCommand}: runs the command of a module. */
import type { Command } from 'commander';
import { runCommand } from '../parse.ts';
import { runProgram } from '../run-program.ts';

const [module, ...argv] = process.argv.slice(2);
await runProgram(async () => {
  const { command } = (await import(module!)) as { command: () => Command };
  await runCommand(command(), argv);
});
