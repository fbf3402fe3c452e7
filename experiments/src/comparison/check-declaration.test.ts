import { expect, it } from 'vitest';
import { controlNet } from '@controllab/controlnet';
import { COMPARISON, commands } from '../commands.ts';
import { profiles } from '../declarations/arms.ts';
import type { Job } from '../runner/job.ts';
import { comparison } from './comparison.ts';
import { REAL } from './compute/judging/judge.ts';
import { ROUND_TRIP } from './compute/judging/raters.ts';
import { drawingsOf, type Arm, type Drawing, type Experiment, type Profile } from './experiment.ts';

const arm = (id: string): Arm => ({ id, label: id, description: id, method: controlNet() });
const drawing = (id: string, ...of: string[]): Drawing => ({
  ...{ id, label: id, panels: ['canny'] },
  controls: of.map((one) => ({ arm: one, condition: 'canny', scale: 1 })),
});
const pair = (...of: [string, string]) => ({ id: 'pair', label: 'pair', of, prompt: 'perfect' }) as const;

/** Of the arms `one` and `two`, which it draws each alone. */
const declared = (more: Partial<Experiment>): Experiment => ({
  ...{ id: 'declared', title: '', description: '', profiles: { tiny: profiles.tiny }, arms: [arm('one'), arm('two')] },
  ...{ prompts: ['perfect'], measures: [], takeaway: () => '', summary: () => '', claims: () => [], sections: () => [] },
  ...more,
});
/** What the runner does before it opens a store. */
const check = (more: Partial<Experiment>, chosen: Partial<Profile> = {}): void =>
  comparison(declared(more)).check!({ profile: { ...profiles.tiny, ...chosen }, profileName: 'tiny', flags: {} });

it('a drawing of an arm that a profile leaves out is left out; one of an arm that there is not is refused', () => {
  const of = (...drawings: Drawing[]) => drawingsOf(declared({ drawings: () => drawings }), { ...profiles.tiny, arms: ['one'] });
  expect(of(drawing('a', 'one'), drawing('b', 'one', 'two'), drawing('c')).map(({ id }) => id)).toEqual(['a', 'c']);
  expect(() => of(drawing('a', 'one'), drawing('b', 'one', 'twoo'))).toThrow(
    new RangeError('drawing b: no arms: twoo; there are one, two'),
  );
});

it('an arm that a profile trains, or that is looked at untrained, is one that there is', () => {
  expect(() => check({ untrained: ['one', 'two'] }, { arms: ['two'] })).not.toThrow();
  expect(() => check({ untrained: ['two', 'tow'] })).toThrow(new RangeError('untrained: no arms: tow; there are one, two'));
  expect(() => check({}, { arms: ['tow'] })).toThrow(new RangeError('profile: no arms: tow; there are one, two'));
});

it('a rated pair is of drawings that the profile makes', () => {
  const rated = (...of: [string, string]) => ({ rated: () => [pair(...of)] });
  for (const drawn of ['two', 'base', REAL, ROUND_TRIP]) {
    expect(() => check(rated(drawn, 'one')), drawn).not.toThrow();
    expect(() => check(rated('one', drawn)), drawn).not.toThrow();
  }
  expect(() => check(rated('one', 'guided'))).toThrow(
    new RangeError('rated pair pair: no drawings: guided; there are real, round-trip, base, one, two'),
  );
  expect(() => check(rated('two', REAL), { arms: ['one'] })).toThrow('no drawings: two; there are real, round-trip, base, one');
});

it('every profile of every comparison names what there is', async () => {
  for (const { name } of commands.filter(({ executor }) => executor === COMPARISON)) {
    const { default: job } = (await import(new URL(`../declarations/${name}.ts`, import.meta.url).href)) as { default: Job<Profile> };
    for (const [profileName, profile] of Object.entries(job.profiles))
      expect(() => job.check!({ profile, profileName, flags: {} }), `${name} ${profileName}`).not.toThrow();
  }
});
