import { Command, Option } from 'commander';
import type { Provider } from '@controllab/tfjs-onnx';
import type { Target } from '../full-size/target.ts';
import { parseFlags, providerOption } from '../runner/command.ts';
import { ExperimentError } from '../runner/errors.ts';
import { profiles } from './design.ts';

export interface LatencyOptions {
  profile: keyof typeof profiles;
  provider: Provider;
  /** Which of the profile's base models. */
  models: Target['family'][];
  /** A diffusers model whose U-Net is timed with its own weights; null: random ones. */
  model: string | null;
  /** Forget the rounds of an interrupted run. */
  fresh: boolean;
}

/** Reads the flags of `experiments:latency`. @throws ExperimentError invalid-option with the valid values */
export function parseLatency(argv: readonly string[]): LatencyOptions {
  const names = Object.keys(profiles) as (keyof typeof profiles)[];
  const command = new Command('latency')
    .description(
      'Seconds per denoising step of base models, ControlNet and ControlNeXt, beside the paper’s and what multiply-accumulates predict.',
    )
    .addOption(new Option('--profile <name>', 'which models at which size').choices(names).default(names[0]!))
    .addOption(providerOption())
    .option('--models <names>', 'which of the profile’s base models, separated by commas: sd15, sdxl, svd (default: all)')
    .option('--model <directory>', 'diffusers model; its U-Net replaces the random weights of the base model it is')
    .option('--fresh', 'forget the rounds of an interrupted run', false);
  const {
    model = null,
    models: chosen,
    ...flags
  } = parseFlags<Omit<LatencyOptions, 'model' | 'models'> & { model?: string; models?: string }>(command, argv);
  const all = profiles[flags.profile].targets.map(({ family }) => family);
  const models = chosen?.split(',') ?? all;
  const unknown = models.find((name) => !(all as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new ExperimentError(
      'invalid-option',
      `latency: the profile ${flags.profile} has no base model '${unknown}'. Its models: ${all.join(', ')}.`,
      { argv },
    );
  return { ...flags, model, models: models as LatencyOptions['models'] };
}
