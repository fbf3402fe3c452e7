import path from 'node:path';
import { catalogue, type Tier } from '@controllab/emoji-scenes';
import { COMMITTED_TIER } from './names.ts';

/** A tier's folder in one that holds files of several. */
export const tierFolder = (root: string, tier: Tier): string => (tier === COMMITTED_TIER ? root : path.join(root, tier));

/** The flag that a command line needs for a tier, with a space before it, or nothing. */
export const tierFlag = (tier: Tier): string => (tier === COMMITTED_TIER ? '' : ` --tier=${tier}`);

/**
 * A count of a tier's recipe where the committed tier's is `count`: exposures per object decide what is learnt, so a recipe grows with the
 * number of objects.
 */
const scaled = (count: number, tier: Tier): number => (count * catalogue(tier).length) / catalogue(COMMITTED_TIER).length;

/** Scenes of a tier's pool where the committed tier's holds `count`. */
export const scenesOfTier = (count: number, tier: Tier): number => Math.round(scaled(count, tier));

/** The engine takes up to ten steps in one call, and one recipe is half another. */
const WHOLE = 20;

/** Steps of a tier's recipe where the committed tier's takes `count`, which is a multiple of 20. */
export const stepsOfTier = (count: number, tier: Tier): number => Math.round(scaled(count, tier) / WHOLE) * WHOLE;
