import type { ControlTarget } from '@controllab/core-blocks';
import { ControlNetError } from '../errors.ts';

/** Widths of the hint encoder by pixels per latent: Stable Diffusion's, and those of the embedded default. */
const WIDTHS: Readonly<Record<number, readonly number[]>> = { 8: [16, 32, 96, 256], 4: [16, 32, 64] };

/** @throws ControlNetError invalid-config for a base whose latents are of another size */
export function hintWidths({ family, factor }: Pick<ControlTarget, 'family' | 'factor'>): readonly number[] {
  const widths = WIDTHS[factor];
  if (widths === undefined)
    throw new ControlNetError(
      'invalid-config',
      `a hint encoder shrinks the condition by ${Object.keys(WIDTHS).join(' or ')}; '${family}' has ${factor} pixels per latent`,
      { family, factor },
    );
  return widths;
}
