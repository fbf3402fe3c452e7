import { Command } from 'commander';
import { jobCommand } from './runner/run-job.ts';
import { runCommand } from './runner/command.ts';

const program = new Command('controllab').description('Reproduces, measures and extends ControlNet and ControlNeXt.');
for (const load of [
  () => import('./ablation.ts'),
  () => import('./no-prompt.ts'),
  () => import('./parameters/parameters.ts'),
  () => import('./latency/latency.ts'),
  () => import('./training-step/training-step.ts'),
])
  program.addCommand(jobCommand((await load()).default as never));
await runCommand(async () => void (await program.parseAsync()));
