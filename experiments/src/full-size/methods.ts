import type { Architecture } from '@controllab/base-model';
import { controlNet, controlNetLite } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import type { Method } from '@controllab/core-blocks';

/** Methods whose size and speed are measured. */
export type MethodId = 'controlnet' | 'controlnet-lite' | 'controlnext' | 'controlnext-legacy';

export const METHODS: Readonly<Record<MethodId, Method>> = {
  controlnet: controlNet(),
  'controlnet-lite': controlNetLite(),
  controlnext: controlNeXt(),
  'controlnext-legacy': controlNeXt({ legacy: true }),
};

/** A row of a table: a method, or the base model alone. */
export type RowId = MethodId | 'base';

export const labelOf = (id: RowId): string => (id === 'base' ? 'base model' : METHODS[id].label);

/** The methods that have a recipe for an architecture: legacy modules were released for the three base models of the paper. */
export const methodsFor = ({ id }: Pick<Architecture, 'id'>): MethodId[] =>
  id === 'sd21' ? ['controlnet', 'controlnet-lite', 'controlnext'] : ['controlnet', 'controlnet-lite', 'controlnext', 'controlnext-legacy'];
