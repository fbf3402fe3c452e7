import { caption } from './caption.ts';
import type { SceneSpec } from '../scenes/scene-spec.ts';

/**
 * A false caption made of the very words of the true one: a pair's names change places ("A left of B" becomes "B left of A"), a row's names
 * each move on by one, and a single object changes its size word. What a text encoder needs to learn that order carries meaning, and the
 * pair on which it is tested.
 */
export function swappedCaption({ parts }: SceneSpec): string {
  if (parts.names.length === 1) return caption({ ...parts, sizeWord: parts.sizeWord === 'large' ? 'small' : 'large' });
  return caption({ ...parts, names: [...parts.names.slice(1), parts.names[0]!] });
}
