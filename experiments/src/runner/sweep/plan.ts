import type { Task } from '../job.ts';
import { longestFirst, readyOf } from '../task-order.ts';

/**
 * What the next round sends, of the tasks that are missing and not in the queue: what has had no turn before what was killed in its own,
 * and otherwise what takes longest. What goes on from another follows in a later round: in this one it would hold a node and wait.
 * @param at.flying tasks in the queue
 * @param at.turned tasks that were sent since a person began
 * @param at.room how many the queue may take
 */
export function nextRound(
  missing: readonly Task[],
  { flying, turned, room }: { flying: Iterable<string>; turned: ReadonlySet<string>; room: number },
): string[] {
  const order = longestFirst(missing).toSorted((a, b) => Number(turned.has(a.id)) - Number(turned.has(b.id)));
  return readyOf(order, flying)
    .slice(0, room)
    .map(({ id }) => id);
}

/**
 * Whether another round is worth it: the last one brought something, or a task can begin that has had no turn. What is killed whenever it
 * runs is thus tried again only as often as others end, and what goes on from it never comes to its turn.
 * @param left what is neither done nor failed
 * @param rounds what was sent in each since a person began
 */
export function goesOn(left: readonly Task[], rounds: readonly (readonly string[])[]): boolean {
  const stuck = new Set(left.map(({ id }) => id));
  const turned = new Set(rounds.flat());
  const brought = rounds.at(-1)?.some((id) => !stuck.has(id)) ?? false;
  return left.length > 0 && (brought || readyOf(left, []).some(({ id }) => !turned.has(id)));
}
