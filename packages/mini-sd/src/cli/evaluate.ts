import { Command, CommanderError } from 'commander';
import { parseInteger, parseNumber, tierOption } from './flags.ts';

const command = new Command('evaluate')
  .description('Measures what the embedded default can draw: objects, sizes, pairs, places, colours, by guidance scale.')
  .addOption(tierOption())
  .option('--seed <integer>', 'seed of the noise', parseInteger(0), 1)
  .option('--guidance <number>', 'guidance scale', parseNumber(0), 4)
  .option('--steps <integer>', 'sampling steps', parseInteger(1), 20)
  .option('--per-object <integer>', 'large singles of each object; half as many small ones and pairs', parseInteger(1), 2)
  .allowExcessArguments(false)
  .exitOverride();

try {
  command.parse();
  const { evaluateBaseModel } = await import('../evaluate.ts');
  console.log(`report: ${await evaluateBaseModel(command.opts(), (message) => console.log(message))}/index.html`);
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode);
  console.error((error as Error).message);
  process.exitCode = 1;
}
