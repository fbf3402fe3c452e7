import { Command } from 'commander';

// It has one way to run, so whatever option nx passes on is a mistake and is named.
new Command('parameters')
  .description('Parameters, multiply-accumulates and bytes of every model and method at full size, beside the paper’s.')
  .allowExcessArguments(false)
  .parse();

const { runParameters } = await import('./parameters.ts');
const directory = await runParameters((message) => console.log(message));
console.log(`report: ${directory}/index.html`);
