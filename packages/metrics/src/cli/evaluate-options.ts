import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { providers, type Provider } from '@controllab/tfjs-onnx';
import { MetricsError } from '../errors.ts';
import { METRICS, metricNames, type MetricName } from '../evaluate/metric-table.ts';
import { WEIGHTS, WEIGHTS_FOLDER } from '../weights/registry.ts';

export interface EvaluateFlags {
  generated: string;
  reference?: string;
  captions?: string;
  condition?: string;
  predicted?: string;
  metrics: MetricName[];
  preset?: string;
  weights: string[];
  network?: string;
  networkOutput?: string;
  inputSize?: number;
  inputMean?: [number, number, number];
  inputStd?: [number, number, number];
  clip: string;
  clipMeasure: string;
  aesthetic: 'v1' | 'v2';
  provider: Provider;
  batch: number;
  saveReference?: string;
  report: string;
}

function positive(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Expected a whole number of at least 1.');
  return Number(text);
}

function triple(text: string): number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.length !== 3 || !numbers.every(Number.isFinite)) throw new InvalidArgumentError('Expected three numbers: red,green,blue.');
  return numbers;
}

/** Errors of the package's own say more than commander's. */
const known =
  <T>(read: (text: string) => T) =>
  (text: string): T => {
    try {
      return read(text);
    } catch (error) {
      throw error instanceof MetricsError ? new InvalidArgumentError(error.message) : error;
    }
  };

function command(): Command {
  return new Command('npx nx run metrics:evaluate')
    .description('Measures generated images: against reference images, against captions, by themselves.')
    .requiredOption('--generated <path>', 'the images: a folder, a .zip, a webdataset .tar or a folder of such')
    .option('--reference <path>', 'images to compare with, or statistics that --save-reference wrote (.safetensors)')
    .option('--captions <file>', 'CSV with the columns file and caption, for clip')
    .option('--condition <path>', 'the maps that the images were conditioned on, named as the images: a folder or a .zip')
    .option('--predicted <path>', 'the same maps as an estimator of yours finds them in the images')
    .option(
      '--metrics <list>',
      `what to measure: ${Object.entries(METRICS)
        .map(([name, { what }]) => `${name} (${what})`)
        .join(', ')}`,
      known(metricNames),
      ['fid', 'kid', 'prdc'],
    )
    .option(
      '--preset <name>',
      'how images are resized for the network: pytorch-fid, clean, tf1, torchmetrics for Inception (clean), dinov2 for an ONNX network',
    )
    .option(
      '--weights <place>',
      `a folder of weights, or NAME=FILE with a name of ${Object.keys(WEIGHTS).join(', ')}; repeat for several (${WEIGHTS_FOLDER})`,
      (place: string, before: string[]) => [...before, place],
      [],
    )
    .option('--network <file>', 'an .onnx network in place of Inception')
    .option('--network-output <name>', 'its output that holds the features')
    .option('--input-size <pixels>', 'its input, in place of --preset', positive)
    .option('--input-mean <r,g,b>', 'mean of its input\u2019s channels, on [0, 1]', triple)
    .option('--input-std <r,g,b>', 'their standard deviation', triple)
    .option('--clip <backbone>', 'the CLIP whose weights are given', 'ViT-L/14')
    .option('--clip-measure <name>', 'cosine, clipscore (2.5 times, with a prefix) or cosine-x100', 'cosine')
    .addOption(new Option('--aesthetic <version>', 'LAION\u2019s predictor').choices(['v1', 'v2']).default('v2'))
    .addOption(new Option('--provider <name>', 'ONNX Runtime execution provider').choices(providers).default('cpu'))
    .option('--batch <images>', 'images per run of a network', positive, 8)
    .option('--save-reference <file>', 'keep the reference\u2019s statistics for later evaluations (.safetensors)')
    .option('--report <folder>', 'where the report goes', 'reports/evaluate')
    .allowExcessArguments(false)
    .exitOverride();
}

/**
 * Reads the command's flags. nx passes on what it does not know, so whatever is wrong must be found here.
 * @throws MetricsError invalid-option with the valid values; CommanderError with exit code 0 for --help
 */
export function evaluateFlags(argv: readonly string[]): EvaluateFlags {
  const program = command().configureOutput({ writeErr: () => {} });
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode === 0) throw error;
    throw new MetricsError('invalid-option', `${error.message.replace(/^error: /, '')} (--help lists all options)`, { argv });
  }
  const flags = program.opts<EvaluateFlags>();
  const custom = flags.inputSize !== undefined || flags.inputMean !== undefined || flags.inputStd !== undefined;
  if (flags.network === undefined && (custom || flags.networkOutput !== undefined))
    throw new MetricsError('invalid-option', '--network-output and --input-... describe the network of --network');
  if (custom && (flags.inputSize === undefined || flags.inputMean === undefined || flags.inputStd === undefined))
    throw new MetricsError('invalid-option', 'an input of one\u2019s own takes all three: --input-size, --input-mean and --input-std');
  if (custom && flags.preset !== undefined)
    throw new MetricsError('invalid-option', 'give either --preset or --input-size, --input-mean and --input-std');
  return flags;
}
