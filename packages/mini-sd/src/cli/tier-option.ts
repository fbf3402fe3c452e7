import { Option } from 'commander';
import { tiers } from '@controllab/emoji-scenes';
import { COMMITTED_TIER } from '../names.ts';

/** Which objects: the pool whose weights are trained or used. */
export const tierOption = (): Option =>
  new Option('--tier <name>', `the pool of objects; only ${COMMITTED_TIER} comes trained`).choices(tiers).default(COMMITTED_TIER);
