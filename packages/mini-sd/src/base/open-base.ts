import { openCheckpoint, type Base, type CheckpointOptions } from '@controllab/base-model';
import { tiers, type Style, type Tier } from '@controllab/emoji-scenes';
import { MiniSdError } from '../errors.ts';
import { communityStyles, MINI, type CommunityStyle } from '../names.ts';
import { openMini } from './open-mini.ts';

/** Whose drawings a base draws like, by its name; OpenMoji's unless it is a community model. */
export const styleOf = (name: string): Style => {
  const [first, ...more] = name.split(':');
  return (first === MINI ? communityStyles.find((style) => more.includes(style)) : undefined) ?? 'openmoji';
};

/**
 * Opens a base by the name that a user or an experiment gives it: `mini`, the embedded default; `mini:STYLE`, a community model of it;
 * `mini:TIER` or `mini:TIER:STYLE` over another pool of objects; else a published checkpoint, a diffusers directory or an LDM single file.
 * @param options see `openCheckpoint`; the embedded default takes none of them
 * @throws MiniSdError invalid-argument naming what follows `mini:`, missing-weights; BaseModelError for checkpoints
 */
export async function openBase(name: string, checkpoint: CheckpointOptions = {}): Promise<Base> {
  const [first, ...more] = name.split(':');
  if (first !== MINI) return openCheckpoint(name, checkpoint);
  const options: { tier?: Tier; style?: CommunityStyle } = {};
  for (const word of more) {
    const tier = tiers.find((known) => known === word);
    const style = communityStyles.find((known) => known === word);
    if (tier === undefined && style === undefined)
      throw new MiniSdError(
        'invalid-argument',
        `${name}: "${word}" is neither a community model (${communityStyles.join(', ')}) nor a pool of objects (${tiers.join(', ')})`,
        { name, word },
      );
    if (tier !== undefined) options.tier = tier;
    if (style !== undefined) options.style = style;
  }
  const { config = null, loras = [] } = checkpoint;
  if (config !== null)
    throw new MiniSdError('invalid-argument', `${name} has its configs and its vocabulary within; config is for a single file`, { config });
  const others = { vae: checkpoint.vae ?? null, prediction: checkpoint.prediction ?? null, loras: loras.length === 0 ? null : loras };
  for (const [option, value] of Object.entries(others))
    if (value !== null)
      throw new MiniSdError('invalid-argument', `${name} takes no ${option}: that is for published checkpoints`, { [option]: value });
  return openMini(options);
}
