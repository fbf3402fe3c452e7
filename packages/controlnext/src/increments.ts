import type { HostTensor } from '@controllab/tfjs-onnx';
import { ControlNeXtError } from './errors.ts';

type Tensors = Readonly<Record<string, HostTensor>>;

function combined(what: string, tensors: Tensors, base: Tensors, f: (x: number, base: number) => number): Record<string, HostTensor> {
  const problems: string[] = [];
  const out: Record<string, HostTensor> = {};
  for (const [name, { data, shape }] of Object.entries(tensors)) {
    const other = base[name];
    if (!other) problems.push(`missing ${name} [${shape.join(', ')}]`);
    else if (other.shape.join() !== shape.join())
      problems.push(`${name}: expected [${shape.join(', ')}], the base has [${other.shape.join(', ')}]`);
    else out[name] = { data: (data as Float32Array).map((x, i) => f(x, other.data[i] as number)), shape };
  }
  if (problems.length)
    throw new ControlNeXtError('base-mismatch', `${what} do not fit the base model:\n  ${problems.join('\n  ')}`, { problems });
  return out;
}

/**
 * What training changed, dW = W_tuned - W_base, for the tensors in `tuned` (the trained subset): what is worth saving, because
 * it can be added to other models of the same architecture. Source: ControlNeXt, the authors' advice in the repository.
 * @throws ControlNeXtError base-mismatch naming every tensor that the base lacks or has in another shape
 */
export const weightIncrements = (tuned: Tensors, base: Tensors): Record<string, HostTensor> =>
  combined('the tuned weights', tuned, base, (x, w) => x - w);

/**
 * The weights of `base` with increments added, W = W_base + strength dW. Only the tensors that the increments name; on the base
 * they were taken from this gives the tuned weights back but for the rounding of one addition.
 * @throws ControlNeXtError base-mismatch naming every tensor that the base lacks or has in another shape
 */
export const applyIncrements = (increments: Tensors, base: Tensors, strength = 1): Record<string, HostTensor> =>
  combined('the increments', increments, base, (dw, w) => w + strength * dw);
