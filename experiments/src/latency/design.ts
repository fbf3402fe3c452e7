import type { Target } from '../full-size/target.ts';

/** The base model and the methods of the paper's table, ControlNeXt with its current and its legacy module. */
export const TIMED = ['base', 'controlnet', 'controlnext', 'controlnext-legacy'] as const;
export type TimedId = (typeof TIMED)[number];

export interface Profile {
  targets: readonly Target[];
  /** Every round times every method once, each in a process of its own. */
  rounds: number;
  /** Steps before those that count: the first ones fetch memory. */
  warmUp: number;
  steps: number;
}

export const profiles = {
  quick: { targets: [{ family: 'sd15', height: 256, width: 256 }], rounds: 3, warmUp: 1, steps: 3 },
  standard: {
    targets: [
      { family: 'sd15', height: 512, width: 512 },
      { family: 'sdxl', height: 512, width: 512 },
      { family: 'svd', height: 256, width: 512, frames: 4 },
    ],
    rounds: 3,
    warmUp: 2,
    steps: 3,
  },
  paper: {
    targets: [
      { family: 'sd15', height: 512, width: 512 },
      { family: 'sdxl', height: 1024, width: 1024 },
      { family: 'svd', height: 576, width: 1024, frames: 14 },
    ],
    rounds: 5,
    warmUp: 3,
    steps: 10,
  },
} as const satisfies Record<string, Profile>;

/** Steps of PyTorch in a round: it takes several times as long, and its steps hardly differ. */
export const PEER_STEPS = { warmUp: 1, steps: 1 } as const;
