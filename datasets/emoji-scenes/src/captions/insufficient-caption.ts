import { caption } from './caption.ts';
import type { SceneSpec } from '../scenes/scene-spec.ts';

/**
 * A true caption that leaves something for the condition to say. `background` keeps only "a red background"; `object-dropped` drops the
 * object named last, so a row is described by its first two objects, a pair by one object without the relation, and a single object by its
 * background.
 */
export function insufficientCaption(spec: SceneSpec, keep: 'background' | 'object-dropped'): string {
  const { parts } = spec;
  if (keep === 'background') return caption({ ...parts, names: [] });
  const names = parts.names.slice(0, -1);
  return caption({ ...parts, names, relation: names.length > 1 ? parts.relation : null });
}
