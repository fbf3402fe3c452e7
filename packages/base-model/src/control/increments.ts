import { readConstant, type Weights } from '@controllab/core-blocks';
import type { ConstantTensor } from '@controllab/tfjs-onnx';
import type { Base } from '../base.ts';
import { scratchFile } from '../checkpoint/files/scratch-file.ts';

/** A parameter of the base's U-Net as a control was trained from it, without the LoRAs that were added; undefined for other names. */
export const untuned = ({ adapted, weights }: Base, name: string): ConstantTensor | undefined =>
  (adapted?.plain ?? weights)[`unet.${name}`];

/** Weights by names of the U-Net from what they are more than its own, in a file of theirs. Those of other names are whole. */
export function fromIncrements(increments: Weights, base: Base): Weights {
  const keep = scratchFile();
  const sum = (increment: ConstantTensor, own: ConstantTensor): ConstantTensor => {
    const [{ data, shape }, more] = [readConstant(own), readConstant(increment).data];
    return keep({ data: Float32Array.from(data, (value, i) => value + more[i]!), shape });
  };
  return Object.fromEntries(
    Object.entries(increments).map(([name, tensor]) => {
      const own = untuned(base, name);
      return [name, own === undefined ? tensor : sum(tensor, own)];
    }),
  );
}
