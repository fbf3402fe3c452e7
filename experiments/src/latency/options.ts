import { Command } from 'commander';
import type { Provider } from '@controllab/tfjs-onnx';
import { oneOf, parseFlags } from '../runner/command.ts';
import { profiles } from './design.ts';

export interface LatencyOptions {
  profile: keyof typeof profiles;
  provider: Provider;
  /** A diffusers model whose U-Net is timed with its own weights; null: random ones. */
  model: string | null;
  /** Forget the rounds of an interrupted run. */
  fresh: boolean;
}

/** Reads the flags of `experiments:latency`. @throws ExperimentError invalid-option with the valid values */
export function parseLatency(argv: readonly string[]): LatencyOptions {
  const names = Object.keys(profiles) as (keyof typeof profiles)[];
  const command = new Command('latency')
    .description('Seconds per denoising step of base models, ControlNet and ControlNeXt, beside the paper’s and what multiply-accumulates predict.')
    .option('--profile <name>', `which models at which size: ${names.join(', ')}`, oneOf('Profiles', names), names[0]!)
    .option('--provider <name>', 'ONNX Runtime execution provider', oneOf('Providers', ['cpu', 'webgpu', 'cuda'] as const), 'cpu' as const)
    .option('--model <directory>', 'diffusers model; its U-Net replaces the random weights of the base model it is')
    .option('--fresh', 'forget the rounds of an interrupted run', false);
  const { model = null, ...flags } = parseFlags<Omit<LatencyOptions, 'model'> & { model?: string }>(command, argv);
  return { ...flags, model };
}
