import { Command, CommanderError, Option } from 'commander';
import { parseInteger, parseNumber, tierOption } from './flags.ts';
import { solverNames } from '@controllab/diffusion';
import { communityStyles } from '../styles.ts';
import { controls } from '../control.ts';

const command = new Command('generate')
  .description('Draws prompts with the embedded default, with or without a ControlNet.')
  .requiredOption(
    '--prompt <text>',
    'what to draw, such as "a red apple"; repeat the option for several pictures',
    (text: string, before: string[] = []) => [...before, text],
  )
  .option('--seed <integer>', 'seed of the noise', parseInteger(0), 1)
  .option('--count <integer>', 'pictures of each prompt', parseInteger(1), 1)
  .option('--guidance <number>', 'guidance scale; 1 is none', parseNumber(0), 4)
  .option('--steps <integer>', 'sampling steps', parseInteger(1), 20)
  .addOption(new Option('--sampler <name>', 'how the noise is removed').choices(solverNames).default('ddim'))
  .addOption(tierOption())
  .addOption(new Option('--style <name>', 'a community model').choices(communityStyles))
  .option(
    '--controlnet <file>',
    'weights of a ControlNet trained on the embedded default (safetensors), such as runs/ablation/.../proposed.safetensors',
  )
  .addOption(new Option('--control <name>', 'how the condition is made from the picture').choices(Object.keys(controls)))
  .option('--condition <file>', 'the picture that the condition is made from')
  .option('--out <folder>', 'where the PNG files go', 'reports/mini-sd/generated')
  .allowExcessArguments(false)
  .exitOverride();

try {
  command.parse();
  const { generate } = await import('../generate.ts');
  for (const file of await generate(command.opts(), (message) => console.log(message))) console.log(file);
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode);
  console.error((error as Error).message);
  process.exitCode = 1;
}
