import { meanInterval, type Measurement } from '@controllab/report';

/** The seed of weights and inputs. */
const SEEDS = [1];

/** Over rounds, each of which gives one number: steps of one process share its luck with memory and neighbours, rounds do not. */
export const overRounds = (perRound: readonly number[]): Measurement => ({
  ...meanInterval(perRound, { over: 'rounds' }),
  seeds: SEEDS,
  perTraining: perRound,
});
