import { parseArgs } from 'node:util';

export const USAGE = `usage: bench.ts [--rounds N] [--only step|forward] [--quick]
  --rounds N   timed runs of each case after warm-up (default 5; with --quick 2)
  --only       training steps alone, or forward passes alone
  --quick      a tiny network without a peer: shows that the bench works, measures nothing`;

export interface Options {
  rounds: number;
  only: 'step' | 'forward' | null;
  quick: boolean;
}

/** @throws Error naming the flag that does not fit */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: 'string' }, only: { type: 'string' }, quick: { type: 'boolean', default: false } },
  });
  const { only = null, quick, rounds = quick ? '2' : '5' } = values;
  if (!/^[1-9]\d*$/.test(rounds)) throw new Error(`--rounds expects a positive whole number, got '${rounds}'`);
  if (only !== null && only !== 'step' && only !== 'forward') throw new Error(`--only expects 'step' or 'forward', got '${only}'`);
  return { rounds: Number(rounds), only, quick };
}
