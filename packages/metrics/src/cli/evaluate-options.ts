import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { integer, named, names, providerOption, repeatable, workspaceRoot } from '@controllab/command-line';
import { providers, type Provider } from '@controllab/tfjs-onnx';
import { MetricsError } from '../errors.ts';
import type { CannyThresholds } from '../evaluate/metric.ts';
import { METRIC_NAMES, METRICS, needs, type MetricName } from '../evaluate/metric-table.ts';
import { WEIGHTS } from '../weights/registry.ts';

/** What was typed; a default that a metric alone knows is undefined here. */
export interface EvaluateFlags {
  generated: string;
  reference?: string;
  captions?: string;
  encoding?: string;
  component?: string;
  condition?: string;
  predicted?: string;
  canny?: CannyThresholds;
  metrics: MetricName[];
  preset?: string;
  weights: string[];
  network?: string;
  networkOutput?: string;
  inputSize?: number;
  inputMean?: [number, number, number];
  inputStd?: [number, number, number];
  clip?: string;
  clipActivation?: 'gelu' | 'quick_gelu';
  clipMeasure?: string;
  aesthetic?: 'v1' | 'v2';
  provider: Provider;
  batch: number;
  saveReference?: string;
  report: string;
  overwrite?: boolean;
}

const list = (text: string): number[] => text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));

function thresholds(text: string): CannyThresholds {
  const [low, high, ...rest] = list(text) as [number, number?];
  if (high === undefined || rest.length > 0 || !(low >= 0 && low <= high && Number.isFinite(high)))
    throw new InvalidArgumentError('Expected two numbers, low,high, the lower one first.');
  return { low, high };
}

function triple(text: string): number[] {
  const numbers = list(text);
  if (numbers.length !== 3 || !numbers.every(Number.isFinite)) throw new InvalidArgumentError('Expected three numbers: red,green,blue.');
  return numbers;
}

const METRICS_TEXT = `what to measure: ${Object.entries(METRICS)
  .map(([name, { what }]) => `${name} (${what})`)
  .join(', ')}`;

/** The command's name, description and options. */
export function evaluateOptions(): Command {
  return new Command('evaluate')
    .description('Measures generated images: against reference images, against captions, by themselves.')
    .requiredOption('--generated <path>', 'the images: a folder, a .zip, a webdataset .tar or .tar.gz, or a folder of such', named)
    .option(
      '--reference <path>',
      'images to compare with, or statistics: what --save-reference wrote, or an .npz with mu and sigma (pytorch-fid, TTUR, ADM)',
      named,
    )
    .option('--captions <file>', 'CSV with the columns file and caption, one or several rows an image, for clip', named)
    .option('--encoding <name>', 'of captions that are not UTF-8: windows-1252, shift_jis, gb18030, ...', named)
    .option('--component <name>', 'which pictures of webdatasets whose samples have several: jpg, seg.png, * for all', named)
    .option('--condition <path>', 'the maps that the images were conditioned on, named as the images: a folder, a .zip or a .tar', named)
    .option('--predicted <path>', 'the same maps as an estimator of yours finds them in the images', named)
    .option('--canny <low,high>', 'thresholds of the edges that are found in the images, for edges (100,200)', thresholds)
    .option('--metrics <list>', METRICS_TEXT, names(METRIC_NAMES), ['fid', 'kid', 'prdc'])
    .option(
      '--preset <name>',
      'how images are resized for the network: pytorch-fid, clean, tf1, torchmetrics for Inception (clean), dinov2 for an ONNX network',
    )
    .option(
      '--weights <place>',
      `a folder of weights, or NAME=FILE with a name of ${Object.keys(WEIGHTS).join(', ')}; repeat for several; behind them comes .cache/weights`,
      repeatable(named),
      [],
    )
    .option('--network <file>', 'an .onnx network in place of Inception', named)
    .option('--network-output <name>', 'its output that holds the features')
    .option('--input-size <pixels>', 'its input, in place of --preset', integer(1))
    .option('--input-mean <r,g,b>', 'mean of its input\u2019s channels, on [0, 1]', triple)
    .option('--input-std <r,g,b>', 'their standard deviation', triple)
    .option('--clip <backbone>', 'the CLIP whose weights are given (ViT-L/14)', named)
    .addOption(
      new Option(
        '--clip-activation <name>',
        'activation of its layers, which weights do not tell: quick_gelu (OpenAI\u2019s) or gelu (most of OpenCLIP\u2019s); needed for any but OpenAI\u2019s ViT-L/14',
      ).choices(['gelu', 'quick_gelu']),
    )
    .option('--clip-measure <name>', 'cosine, clipscore (2.5 times, with a prefix) or cosine-x100 (cosine)', named)
    .addOption(new Option('--aesthetic <version>', 'LAION\u2019s predictor (v2)').choices(['v1', 'v2']))
    .addOption(providerOption(providers))
    .option('--batch <images>', 'images per run of a network', integer(1), 8)
    .option('--save-reference <file>', 'keep the reference\u2019s statistics for later evaluations (safetensors, whatever its name)', named)
    .addOption(
      new Option('--report <folder>', 'where the report goes')
        .default(path.join(workspaceRoot, 'reports', 'evaluate'), 'reports/evaluate')
        .argParser(named),
    )
    .option(
      '--overwrite',
      'write the report into a folder that holds other files too, and --save-reference over any file: only those of their names are replaced',
      false,
    );
}

/** Options that only some metrics look at; of files that are given in vain the question itself says so. */
const ONLY_FOR: readonly { options: readonly (keyof EvaluateFlags)[]; what: string; has(metrics: readonly MetricName[]): boolean }[] = [
  { options: ['preset', 'network'], what: 'takes features of a network', has: (metrics) => needs(metrics, 'features') },
  {
    options: ['provider', 'batch'],
    what: 'runs a network',
    has: (metrics) => needs(metrics, 'features') || needs(metrics, 'embeddings'),
  },
  { options: ['clip', 'clipActivation'], what: 'uses CLIP', has: (metrics) => needs(metrics, 'embeddings') },
  { options: ['clipMeasure', 'encoding'], what: 'reads captions', has: (metrics) => needs(metrics, 'captions') },
  { options: ['canny'], what: 'finds edges', has: (metrics) => metrics.includes('edges') },
  { options: ['aesthetic'], what: 'is an aesthetic score', has: (metrics) => needs(metrics, 'predictor') },
];

const dashed = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * The flags as they were read.
 * @param command that read them: it tells what was typed from what is a default
 * @throws MetricsError invalid-option for options that do not fit together, or that no metric looks at
 */
export function checkedFlags(flags: EvaluateFlags, command: Command): EvaluateFlags {
  const { metrics } = flags;
  for (const { options, what, has } of ONLY_FOR) {
    const given = options.find((name) => command.getOptionValueSource(name) === 'cli');
    if (given !== undefined && !has(metrics))
      throw new MetricsError('invalid-option', `${dashed(given)} is given, but none of ${metrics.join(', ')} ${what}: see --metrics`, {
        option: given,
        metrics,
      });
  }
  const custom = flags.inputSize !== undefined || flags.inputMean !== undefined || flags.inputStd !== undefined;
  if (flags.network === undefined && (custom || flags.networkOutput !== undefined))
    throw new MetricsError('invalid-option', '--network-output and --input-... describe the network of --network');
  if (custom && (flags.inputSize === undefined || flags.inputMean === undefined || flags.inputStd === undefined))
    throw new MetricsError('invalid-option', 'an input of one\u2019s own takes all three: --input-size, --input-mean and --input-std');
  if (custom && flags.preset !== undefined)
    throw new MetricsError('invalid-option', 'give either --preset or --input-size, --input-mean and --input-std');
  return flags;
}
