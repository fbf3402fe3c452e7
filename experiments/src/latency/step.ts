import { controlOptions, countParameters, parameterSpecs, withParameters, type Module } from '@controllab/core-blocks';
import { cost, trace, type TensorSpec, type Traceable } from '@controllab/tfjs-onnx';
import { labelOf, METHODS } from '../full-size/methods.ts';
import { architectureOf, controlledInputs, denoiserOf, type Target } from '../full-size/target.ts';
import type { TimedId } from './design.ts';

/** One denoising step of a method, as a function of tensors. */
export interface Step {
  label: string;
  /** The U-Net, and what controls it. */
  modules: { unet: Module; control?: Module };
  inputs: Record<string, TensorSpec>;
  /** Parameters are constants under the modules' names. */
  run: Traceable;
}

export function stepOf(target: Target, id: TimedId): Step {
  const denoiser = denoiserOf(target);
  const control = id === 'base' ? null : METHODS[id].create(denoiser.target);
  const modules = { unet: denoiser.unet, ...(control === null ? {} : { control: control.module }) };
  return {
    label: `${architectureOf(target).label}, ${labelOf(id)}`,
    modules,
    inputs: control === null ? denoiser.inputs(1) : controlledInputs(denoiser),
    run: ({ inputs, constants }) => ({
      outputs: {
        prediction: withParameters(modules, constants, () =>
          denoiser.predict(inputs, control === null ? {} : controlOptions(control, denoiser, inputs)),
        ),
      },
    }),
  };
}

/** Multiply-accumulates and parameters of a step, from its graph. */
export function stepCounts(target: Target, id: TimedId): { macs: number; parameters: number } {
  const { modules, inputs, run } = stepOf(target, id);
  return { macs: cost(trace(run, { inputs, constants: parameterSpecs(modules) })).macs, parameters: countParameters(modules) };
}
