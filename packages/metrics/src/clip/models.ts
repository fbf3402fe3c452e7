import { clipVitB16, clipVitB32, clipVitL14, clipVitL14At336, type ClipActivation, type ClipModel } from '@controllab/core-blocks';
import { MetricsError } from '../errors.ts';

/** OpenAI's backbones, by the names under which scores report them; OpenCLIP has them with another activation too. */
export const CLIP_MODELS = {
  'ViT-B/32': clipVitB32,
  'ViT-B/16': clipVitB16,
  'ViT-L/14': clipVitL14,
  'ViT-L/14@336px': clipVitL14At336,
} satisfies Record<string, (activation?: ClipActivation) => ClipModel>;

export type ClipModelName = keyof typeof CLIP_MODELS;

/** @throws MetricsError unknown-preset, listing the known ones */
export function clipModelName(name: string): ClipModelName {
  if (!Object.hasOwn(CLIP_MODELS, name))
    throw new MetricsError('unknown-preset', `there is no CLIP "${name}"; there are ${Object.keys(CLIP_MODELS).join(', ')}`, { name });
  return name as ClipModelName;
}
