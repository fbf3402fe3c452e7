import { meanInterval, type Measurement } from '@controllab/report';

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** The seed of weights and inputs. */
const SEEDS = [1];

/** Over rounds, each of which gives one number: steps of one process share its luck with memory and neighbours, rounds do not. */
export const overRounds = (perRound: readonly number[]): Measurement => ({ ...meanInterval(perRound), seeds: SEEDS });
