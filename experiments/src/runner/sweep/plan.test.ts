import { expect, it } from 'vitest';
import type { Task } from '../job.ts';
import { goesOn, nextRound } from './plan.ts';

interface Planned extends Pick<Task, 'cost' | 'after'> {
  readonly id: string;
  /** What becomes of it each time; done if not given. */
  readonly ends?: 'killed' | 'failed';
}

/** The rounds of a sweep that nobody looks after, until it gives up or has everything. */
function roundsOf(planned: readonly Planned[], room = Infinity): string[][] {
  const tasks = planned.map((one): Task => ({ label: one.id, done: () => false, run: async () => {}, ...one }));
  const ended = new Set<string>();
  const rounds: string[][] = [];
  const left = (): Task[] => tasks.filter(({ id }) => !ended.has(id));
  do {
    const round = nextRound(left(), { flying: [], turned: new Set(rounds.flat()), room });
    rounds.push(round);
    for (const id of round) if (planned.find((one) => one.id === id)!.ends !== 'killed') ended.add(id);
    expect(rounds.length, 'it does not end').toBeLessThan(3 * planned.length);
  } while (goesOn(left(), rounds));
  return rounds;
}

it('sends what goes on from another in a later round', () => {
  expect(roundsOf([{ id: 'a' }, { id: 'b', after: ['a'] }, { id: 'c' }])).toEqual([['a', 'c'], ['b']]);
});

it('does not try for ever what is always killed, and never comes to what goes on from it', () => {
  expect(
    roundsOf([
      { id: 'a', ends: 'killed' },
      { id: 'b', after: ['a'] },
    ]),
  ).toEqual([['a']]);
  expect(roundsOf([{ id: 'a', ends: 'killed' }, { id: 'b', after: ['a'] }, { id: 'c' }])).toEqual([['a', 'c'], ['a']]);
});

it('gives every task its turn before one that was killed is tried again', () => {
  const tasks: Planned[] = [
    { id: 'long', cost: 9, ends: 'killed' },
    { id: 'longer', cost: 10, ends: 'killed' },
    ...['c', 'd', 'e'].map((id) => ({ id, cost: 1 })),
  ];
  expect(roundsOf(tasks, 2)).toEqual([
    ['longer', 'long'],
    ['c', 'd'],
    ['e', 'longer'],
    ['longer', 'long'],
  ]);
});

it('tries what was killed again as long as a round brings something, be it a failure', () => {
  expect(
    roundsOf([
      { id: 'a', ends: 'killed' },
      { id: 'b', ends: 'failed' },
    ]),
  ).toEqual([['a', 'b'], ['a']]);
});

it('goes on behind a round in which nothing had a place, and ends when everything is there', () => {
  const task: Task = { id: 'a', label: 'a', done: () => false, run: async () => {} };
  expect(goesOn([task], [[]])).toBe(true);
  expect(goesOn([], [['a']])).toBe(false);
  expect(nextRound([task, { ...task, id: 'b', after: ['c'] }], { flying: ['c'], turned: new Set(), room: 9 })).toEqual(['a']);
});
