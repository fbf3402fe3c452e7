import type { Task } from './job.ts';

/**
 * Who takes longest with all that goes on from it, first, and otherwise as they were: a long one begun late would run alone at the end.
 * @throws RangeError for tasks that go on from each other
 */
export function longestFirst(tasks: readonly Task[]): Task[] {
  const lengths = new Map<string, number | null>();
  const lengthOf = ({ id, cost = 0 }: Task): number => {
    const known = lengths.get(id);
    if (known === null) throw new RangeError(`task ${id} goes on from itself`);
    if (known !== undefined) return known;
    lengths.set(id, null);
    const length = cost + Math.max(0, ...tasks.filter(({ after }) => after?.includes(id)).map(lengthOf));
    lengths.set(id, length);
    return length;
  };
  return tasks.toSorted((a, b) => lengthOf(b) - lengthOf(a));
}

/** Of tasks and of ids that are being computed: the tasks that go on from neither, which would hold a processor and wait. */
export function readyOf(waiting: readonly Task[], computing: Iterable<string>): Task[] {
  const unfinished = new Set([...waiting.map(({ id }) => id), ...computing]);
  return waiting.filter(({ after = [] }) => !after.some((id) => unfinished.has(id)));
}
