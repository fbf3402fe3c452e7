import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { providers, type Provider } from '@controllab/tfjs-onnx';
import { ExperimentError } from './errors.ts';

export interface ExperimentOptions<P extends string> {
  profile: P;
  seed: number;
  engine: 'onnx' | 'tfjs';
  provider: Provider;
  /** Forget an earlier run with these settings. */
  fresh: boolean;
}

/** The flag that chooses ONNX Runtime's execution provider. */
export const providerOption = (): Option =>
  new Option('--provider <name>', 'ONNX Runtime execution provider').choices(providers).default('cpu');

/** A flag's parser of a seed. */
export const seed = (text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value >= 2 ** 32) throw new InvalidArgumentError('Expected an integer in [0, 2^32).');
  return value;
};

/**
 * Reads an experiment's flags. nx passes unknown options on, and runs the default configuration for a mistyped one,
 * so whatever is wrong must be found here.
 * @throws ExperimentError invalid-option with the valid values
 */
export function parseExperiment<P extends string>(
  name: string,
  description: string,
  profiles: readonly P[],
  argv: readonly string[],
): ExperimentOptions<P> {
  const command = new Command(name)
    .description(description)
    .addOption(new Option('--profile <name>', 'how much to train and measure').choices(profiles).default(profiles[0]!))
    .option('--seed <integer>', 'seed of initialisation, data order and sampling noise', seed, 1)
    .addOption(
      new Option('--engine <name>', 'onnx compiles the graphs, tfjs runs them eagerly on the installed TensorFlow.js backend')
        .choices(['onnx', 'tfjs'])
        .default('onnx'),
    )
    .addOption(providerOption())
    .option('--fresh', 'forget an earlier run with these settings', false);
  return parseFlags(command, argv);
}

/** Reads a command's flags. @throws ExperimentError invalid-option with the valid ones; CommanderError with exit code 0 for --help */
export function parseFlags<T extends object>(command: Command, argv: readonly string[]): T {
  command
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode === 0) throw error;
    const options = command.options.map((option) => option.long).join(', ');
    throw new ExperimentError(
      'invalid-option',
      `${error.message.replace(/^error: /, `${command.name()}: `)} Options: ${options}.`,
      { argv },
      { cause: error },
    );
  }
  return command.opts<T>();
}

/** Runs a command of this package: what it throws becomes one message and exit code 1; --help has been answered already. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
    process.stderr.write(`\n${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
