import { InvalidArgumentError, Option } from 'commander';
import { names } from '@controllab/command-line';

export const TRAINED = ['controlnet', 'controlnext'] as const;

export type TrainedMethod = (typeof TRAINED)[number];

export interface TrainingStepOptions {
  /** Side of the picture in pixels. */
  size: number;
  methods: TrainedMethod[];
  /** Training steps of each method. */
  steps: number;
  /** Gradient checkpointing. */
  recompute: boolean;
}

/** Steps that fetch memory, for the state before and the one after the update, and are not timed. */
export const WARM_UP = 2;

/** The U-Net halves latents, an eighth of the pixels, three times. */
const MULTIPLE = 64;

const size = (text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value === 0 || value % MULTIPLE !== 0)
    throw new InvalidArgumentError(`Expected a multiple of ${MULTIPLE} pixels.`);
  return value;
};

const steps = (text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value <= WARM_UP)
    throw new InvalidArgumentError(`Expected an integer above ${WARM_UP}: the first ${WARM_UP} steps fetch memory and are not timed.`);
  return value;
};

/** The job's own options. */
export const OPTIONS: readonly Option[] = [
  new Option('--size <pixels>', 'side of the picture').argParser(size).default(256),
  new Option('--methods <names>', `which methods: ${TRAINED.join(',')}`).argParser(names(TRAINED)).default([...TRAINED]),
  new Option('--steps <integer>', `training steps of each method; the first ${WARM_UP} are not timed`).argParser(steps).default(6),
  new Option('--recompute', 'gradient checkpointing: the insides of blocks are computed again and not kept').default(false),
];
