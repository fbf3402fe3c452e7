import { expect, it } from 'vitest';
import type { Task } from './job.ts';
import { longestFirst, readyOf } from './task-order.ts';

const task = (id: string, rest: Partial<Task> = {}): Task => ({ id, label: id, done: () => false, run: async () => {}, ...rest });
const ids = (tasks: readonly Task[]): string[] => tasks.map(({ id }) => id);

it('begins with what takes longest together with all that goes on from it', () => {
  const tasks = [
    task('drawn'),
    task('alone', { cost: 5 }),
    task('short', { cost: 1 }),
    task('four-times', { cost: 3, after: ['short'] }),
    task('eight-times', { cost: 4, after: ['four-times'] }),
    task('same', { cost: 5 }),
  ];
  // 1 + 3 + 4 steps hang on the short one.
  expect(ids(longestFirst(tasks))).toEqual(['short', 'four-times', 'alone', 'same', 'eight-times', 'drawn']);
});

it('leaves what goes on from an unfinished task until that is done', () => {
  const waiting = longestFirst([
    task('first', { cost: 1 }),
    task('second', { cost: 9, after: ['first'] }),
    task('other', { cost: 2 }),
    // What it goes on from was done before.
    task('third', { after: ['done-before'] }),
  ]);
  expect(ids(readyOf(waiting, []))).toEqual(['first', 'other', 'third']);
  const begun = waiting.filter(({ id }) => id !== 'first');
  expect(ids(readyOf(begun, ['first']))).toEqual(['other', 'third']);
  expect(ids(readyOf(begun, []))).toEqual(['second', 'other', 'third']);
});

it('refuses tasks that go on from each other', () => {
  expect(() => longestFirst([task('a', { after: ['b'] }), task('b', { after: ['a'] })])).toThrow('goes on from itself');
});
