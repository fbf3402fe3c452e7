import type { Atlas } from '../drawings/load-atlas.ts';
import { deriveCondition, paintScene } from './render-scene.ts';
import { allocateBuffers, conditions, type Condition, type SceneBuffers } from '../conditions/scene-buffers.ts';
import type { SceneSpec } from '../scenes/scene-spec.ts';

/**
 * Draws scenes one after the other into memory of its own, and no more of them than is asked for: a scene is painted once for all that is
 * read off it in a row, and a condition that nobody asked for is never computed.
 */
export class SceneRenderer {
  readonly #atlas: Atlas;
  #buffers: SceneBuffers;
  /** What the buffers hold: the scene, and which conditions of it. */
  #painted: SceneSpec | null = null;
  readonly #derived = new Set<Condition>();

  constructor(atlas: Atlas, size: number) {
    this.#atlas = atlas;
    this.#buffers = allocateBuffers(size);
  }

  /** The scene's image and, if one is named, that condition: valid until the next call. */
  render(spec: SceneSpec, condition?: Condition): SceneBuffers {
    if (condition !== undefined && !this.#buffers[condition]) this.#allocate(condition);
    if (this.#painted !== spec) {
      this.#painted = null;
      this.#derived.clear();
      paintScene(spec, this.#atlas, this.#buffers);
      this.#painted = spec;
    }
    if (condition !== undefined && !this.#derived.has(condition)) {
      deriveCondition(condition, spec, this.#buffers);
      this.#derived.add(condition);
    }
    return this.#buffers;
  }

  /** Masks and lines are painted together with the image: a scene that was painted without them is painted again. */
  #allocate(condition: Condition): void {
    const held = conditions.filter((id) => this.#buffers[id] !== undefined);
    this.#buffers = allocateBuffers(this.#buffers.size, [...held, condition]);
    this.#painted = null;
  }
}
