import { InvalidArgumentError, Option } from 'commander';
import { integer, named, names, userPath } from '@controllab/command-line';
import { communityStyles, isMini, MEMBERS, MINI } from '@controllab/mini-sd/names';
import { CONDITIONS, SCENE_CONDITIONS, type ConditionId } from './conditions.ts';
import type { Experiment, Profile } from './experiment.ts';

/** What a run takes in place of its profile's. */
export interface Choices {
  readonly seeds?: number;
  readonly base?: string;
  readonly conditions?: readonly ConditionId[];
}

/** Reads one of these names. */
const oneOf =
  <T extends string>(all: readonly T[]) =>
  (text: string): T[] => {
    const some = names(all)(text);
    if (some.length > 1)
      throw new InvalidArgumentError(`Expected one name: this experiment shows one condition. There are ${all.join(', ')}.`);
    return some;
  };

/** The options of a comparison: its profiles say how much is trained and drawn, these how often and on what. */
export function choiceOptions({ conditions }: Pick<Experiment, 'conditions'>): Option[] {
  const bases = [MINI, ...communityStyles.map((style) => `${MINI}:${style}`), ...Object.keys(MEMBERS)].join(', ');
  const seeds = new Option(
    '--seeds <count>',
    'trainings of each arm, from consecutive seeds; arms that ask for fewer keep theirs (default: the profile’s)',
  );
  const base = new Option(
    '--base <name|directory>',
    `what is trained on where an arm does not say: ${bases}, or one in diffusers’ layout of the data’s size (default: the profile’s)`,
  );
  const on = new Option(
    '--conditions <names>',
    conditions === 'one'
      ? `condition on this one of ${SCENE_CONDITIONS.join(', ')} (default: the profile’s)`
      : `condition on these of ${SCENE_CONDITIONS.join(', ')}, with commas between (default: the profile’s)`,
  );
  return [
    seeds.argParser(integer(1)),
    base.argParser((text: string) => (isMini(named(text)) ? text : userPath(text))),
    ...(conditions === undefined ? [] : [on.argParser((conditions === 'one' ? oneOf : names)(SCENE_CONDITIONS))]),
  ];
}

/** A profile with what was chosen in place of its own; itself where nothing was. */
export function chosen(profile: Profile, { seeds, base, conditions }: Choices): Profile {
  const given = Object.entries({ seeds, base, conditions }).filter(([, value]) => value !== undefined);
  return given.length === 0 ? profile : { ...profile, ...Object.fromEntries(given) };
}

/**
 * What the first screen says of a run that is not the one that its profile, and where there is one its preregistration, describes; the
 * experiment's own options as they were given.
 */
export function choicesText({ seeds, base, conditions, ...others }: Choices & Readonly<Record<string, unknown>>): string {
  const said = [
    ...Object.entries(others).flatMap(([option, value]) => (value === undefined ? [] : [`--${option} ${String(value)}`])),
    ...(seeds === undefined ? [] : [`${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`]),
    ...(base === undefined ? [] : [`base ${base}`]),
    ...(conditions === undefined ? [] : [conditions.map((id) => CONDITIONS[id].label).join(', ')]),
  ];
  return said.length === 0 ? '' : ` Chosen in place of the profile’s: ${said.join('; ')}. What is registered is the profile as it stands.`;
}
