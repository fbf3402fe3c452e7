import { parameterSpecs, type Control, type Denoiser, type Weights } from '@controllab/core-blocks';
import type { TensorSpec } from '@controllab/tfjs-onnx';
import { trainedInBase } from '@controllab/training';
import { BaseModelError } from '../errors.ts';

/** Problems that a message names. */
const NAMED = 6;

/**
 * Names and shapes of all values that a trained control brings: its own under `control.`, and those it trained in the base under `unet.`.
 */
export function controlValueSpecs(denoiser: Denoiser, control: Control): Record<string, TensorSpec> {
  const unet = parameterSpecs({ unet: denoiser.unet });
  return {
    ...parameterSpecs({ control: control.module }),
    ...Object.fromEntries(trainedInBase({ denoiser, control }).map((name) => [name, unet[name]!])),
  };
}

/** @throws BaseModelError invalid-control naming every value that is missing, of another shape or unknown; the message the first of them */
export function checkControlValues(what: string, specs: Readonly<Record<string, TensorSpec>>, weights: Weights): void {
  const problems = [
    ...Object.entries(specs).flatMap(([name, { shape }]) => {
      const found = weights[name]?.shape;
      if (found === undefined) return [`missing ${name} [${shape.join(', ')}]`];
      return found.join() === shape.join() ? [] : [`${name}: expected [${shape.join(', ')}], found [${found.join(', ')}]`];
    }),
    ...Object.keys(weights).flatMap((name) => (name in specs ? [] : [`unexpected ${name}`])),
  ];
  if (problems.length === 0) return;
  const more = problems.length > NAMED ? [`and ${problems.length - NAMED} more`] : [];
  throw new BaseModelError('invalid-control', `${what} do not fit:\n  ${[...problems.slice(0, NAMED), ...more].join('\n  ')}`, {
    problems,
  });
}
