import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Job } from './runner/job.ts';

/** A command of the program. */
export interface CommandEntry {
  /** One word, or two: "mini pretrain". */
  readonly name: string;
  /** One line of the program's help. */
  readonly description: string;
  /** Flags of an example. */
  readonly example: string;
  /** The executor of its nx target, where that is not its own. */
  readonly executor?: string;
  /** Loaded when it is asked for: the program's help and a typing mistake are answered at once. */
  load(): Promise<{ command(): Command }>;
}

/** The command of a job: its module is loaded with the runner. */
const job =
  <P, R>(load: () => Promise<{ default: Job<P, R> }>) =>
  async (): Promise<{ command(): Command }> => {
    const [{ jobCommand }, { default: declared }] = await Promise.all([import('./runner/run-job.ts'), load()]);
    return { command: () => jobCommand(declared) };
  };

/** The executor of the nx targets that are comparisons of trainings. */
export const COMPARISON = 'comparison';

/** Each target of that executor in ../project.json is a command, and a file of its name under declarations/. */
function comparisons(): CommandEntry[] {
  const { targets } = JSON.parse(readFileSync(new URL('../project.json', import.meta.url), 'utf8')) as {
    targets: Record<string, { executor?: string; metadata?: { description: string } }>;
  };
  return Object.entries(targets)
    .filter(([, { executor }]) => executor === `./tools/nx:${COMPARISON}`)
    .map(([name, { metadata }]) => ({
      name,
      description: metadata!.description,
      example: '--profile quick --seed 2',
      executor: COMPARISON,
      load: job(() => import(`./declarations/${name}.ts`) as Promise<{ default: Job }>),
    }));
}

export const commands: readonly CommandEntry[] = [
  ...comparisons(),
  {
    name: 'parameters',
    description: 'count parameters and operations at full size',
    example: '',
    load: job(() => import('./parameters/parameters.ts')),
  },
  {
    name: 'latency',
    description: 'time a denoising step of every model and method',
    example: '--profile quick',
    load: job(() => import('./latency/latency.ts')),
  },
  {
    name: 'training-step',
    description: 'time a few steps of training at full size',
    example: '--methods controlnext',
    load: job(() => import('./training-step/training-step.ts')),
  },
  {
    name: 'scaling-law',
    description: 'the base model’s loss over size, data and compute',
    example: '--profile quick',
    load: job(() => import('./scaling-law/scaling-law.ts')),
  },
  {
    name: 'sweep status',
    description: 'what a sweep has done, and what is queued',
    example: '--name ablation-0123456789',
    load: async () => ({ command: (await import('./runner/sweep/command.ts')).statusCommand }),
  },
  {
    name: 'sweep resume',
    description: 'submit what is missing of a sweep on a cluster',
    example: '--name ablation-0123456789',
    load: async () => ({ command: (await import('./runner/sweep/command.ts')).resumeCommand }),
  },
  {
    name: 'sweep cancel',
    description: 'take a sweep on a cluster out of the queue',
    example: '--name ablation-0123456789',
    load: async () => ({ command: (await import('./runner/sweep/command.ts')).cancelCommand }),
  },
  {
    name: 'verify',
    description: 'recompute numbers of READMEs and published reports',
    example: '',
    load: () => import('./verify/command.ts'),
  },
  {
    name: 'train',
    description: 'train a control network on your own images',
    example: '--data photos/ --control canny --max-train-steps 400 --learning-rate 1e-3 --out my-control/',
    load: () => import('./train/command.ts'),
  },
  {
    name: 'generate',
    description: 'draw with the embedded default or a checkpoint',
    example: '--prompt "a large owl on a teal background" --count 4',
    load: () => import('./generate/command.ts'),
  },
  {
    name: 'evaluate',
    description: 'measure generated images: FID, CLIP score and more',
    example: '--generated out/ --reference photos/',
    load: () => import('@controllab/metrics/cli/evaluate'),
  },
  {
    name: 'people',
    description: 'shares right of people, from their saved answers',
    example: 'answers/*.json',
    load: () => import('./people/command.ts'),
  },
  {
    name: 'fetch',
    description: 'download the published weights that evaluate needs',
    example: 'inception',
    load: () => import('@controllab/metrics/cli/fetch'),
  },
  {
    name: 'fit',
    description: 'fit scaling laws to the runs of a CSV file',
    example: '--csv runs.csv',
    load: () => import('@controllab/data-scaling/cli/fit'),
  },
  {
    name: 'data preview',
    description: 'draw a contact sheet of the emoji scenes',
    example: '--count 20',
    load: () => import('@controllab/emoji-scenes/cli/preview'),
  },
  {
    name: 'data check',
    description: 'check your pictures: bad rows, sizes, duplicates',
    example: '--data photos/',
    load: () => import('./data-check/command.ts'),
  },
  {
    name: 'data write',
    description: 'write fill50k as ControlNet’s tutorial has it',
    example: 'fill50k --count 1000 --out fill50k',
    load: () => import('@controllab/fill50k/cli/write'),
  },
  {
    name: 'mini pretrain',
    description: 'train a part of the embedded default again',
    example: 'vae --seed 2',
    load: () => import('@controllab/mini-sd/cli/pretrain'),
  },
  {
    name: 'mini export',
    description: 'write the embedded default in diffusers’ layout',
    example: '--out mini/',
    load: () => import('@controllab/mini-sd/cli/export'),
  },
  {
    name: 'mini evaluate',
    description: 'measure what the embedded default can draw',
    example: '--per-object 1',
    load: () => import('@controllab/mini-sd/cli/evaluate'),
  },
  {
    name: 'fixtures',
    description: 'compare with numbers from diffusers and CLIP',
    example: 'controlnet_train_tiny',
    load: () => import('@controllab/fixtures/command'),
  },
  {
    name: 'fuzz',
    description: 'give every parser damaged and hostile files',
    example: '--seconds 60 --parser zip',
    load: () => import('./fuzz/command.ts'),
  },
  {
    name: 'bench engine',
    description: 'time the engine beside PyTorch',
    example: '--rounds 3',
    load: () => import('@controllab/tfjs-onnx/bench'),
  },
  {
    name: 'bench mini-sd',
    description: 'time the small U-Net beside PyTorch',
    example: '--rounds 3',
    load: () => import('@controllab/mini-sd/bench'),
  },
  {
    name: 'bench profile',
    description: 'say where the time of a training step goes',
    example: '--only controlnet',
    load: () => import('@controllab/mini-sd/bench/profile'),
  },
  {
    name: 'bench metrics',
    description: 'time distances between sets beside numpy and scipy',
    example: '--rounds 1',
    load: () => import('@controllab/metrics/bench'),
  },
  {
    name: 'bench inception',
    description: 'time FID’s network beside PyTorch',
    example: '--batch 16',
    load: () => import('@controllab/metrics/bench/inception'),
  },
];

/** The command of a line of the table, with its full name and example. */
export async function openCommand({ name, example, load }: CommandEntry): Promise<Command> {
  const command = (await load()).command();
  return command.name(`controllab ${name}`).addHelpText('after', `\nExample:\n  npx controllab ${[name, example].join(' ').trim()}`);
}
