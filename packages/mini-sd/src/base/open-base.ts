import { openCheckpoint, type Base, type CheckpointOptions } from '@controllab/base-model';
import { tiers, type Style, type Tier } from '@controllab/emoji-scenes';
import { MiniSdError } from '../errors.ts';
import { communityStyles, isMember, isMini, MINI, type CommunityStyle } from '../names.ts';
import { openMember, openMini } from './open-mini.ts';

/** Whose drawings a base draws like, by its name; OpenMoji's unless it is a community model. */
export const styleOf = (name: string): Style => {
  const [first, ...more] = name.split(':');
  return (first === MINI ? communityStyles.find((style) => more.includes(style)) : undefined) ?? 'openmoji';
};

/**
 * Opens a base by the name that a user or an experiment gives it: `mini`, the embedded default; `mini:STYLE`, a community model of it;
 * `mini:TIER` or `mini:TIER:STYLE` over another pool of objects; `mini-xs`, `mini-s`, `mini-m`, smaller ones; else a published checkpoint,
 * a diffusers directory or an LDM single file.
 * @param options see `openCheckpoint`; the embedded default takes none of them
 * @throws MiniSdError invalid-argument naming what follows `mini:`, missing-weights; BaseModelError for checkpoints
 */
export async function openBase(name: string, checkpoint: CheckpointOptions = {}): Promise<Base> {
  if (!isMini(name)) return openCheckpoint(name, checkpoint);
  refuseOptions(name, checkpoint);
  if (isMember(name)) return openMember(name);
  const [, ...more] = name.split(':');
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
    const [kind, before] = tier === undefined ? ['community model', options.style] : ['pool of objects', options.tier];
    if (before !== undefined)
      throw new MiniSdError('invalid-argument', `${name} names two of a kind, "${before}" and "${word}": a base has one ${kind}`, {
        name,
        word,
      });
    if (tier !== undefined) options.tier = tier;
    if (style !== undefined) options.style = style;
  }
  return openMini(options);
}

/** What only a published checkpoint takes. */
function refuseOptions(name: string, { config = null, vae = null, prediction = null, loras = [], clipSkip = 0 }: CheckpointOptions): void {
  if (config !== null)
    throw new MiniSdError('invalid-argument', `${name} has its configs and its vocabulary within; config is for a single file`, { config });
  for (const [option, value] of Object.entries({
    vae,
    prediction,
    loras: loras.length === 0 ? null : loras,
    clipSkip: clipSkip === 0 ? null : clipSkip,
  }))
    if (value !== null)
      throw new MiniSdError('invalid-argument', `${name} takes no ${option}: that is for published checkpoints`, { [option]: value });
}
