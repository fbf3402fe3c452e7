import { countParameters, parameterSpecs, withParameters, type Module } from '@controllab/core-blocks';
import { cost, trace, type TensorSpec, type Traceable } from '@controllab/tfjs-onnx';
import { familyOf, methodOf, stepInputs, type MethodId, type Target } from '../full-size/target.ts';

/** One denoising step of a method, as a function of tensors. */
export interface Step {
  label: string;
  /** The U-Net, and what controls it. */
  modules: { unet: Module; control?: Module };
  inputs: Record<string, TensorSpec>;
  /** Parameters are constants under the modules' names. */
  run: Traceable;
}

export function stepOf(target: Target, id: MethodId): Step {
  const family = familyOf(target);
  const method = methodOf(family, id);
  const { denoiser } = family;
  const modules = { unet: denoiser.unet, ...(method ? { control: method.control.module } : {}) };
  return {
    label: `${family.label}, ${method?.label ?? 'base model'}`,
    modules,
    inputs: stepInputs(family, id, target),
    run: ({ inputs, constants }) => ({
      outputs: { prediction: withParameters(modules, constants, () => denoiser.predict(inputs, method?.control.apply(inputs))) },
    }),
  };
}

/** Multiply-accumulates and parameters of a step, from its graph. */
export function stepCounts(target: Target, id: MethodId): { macs: number; parameters: number } {
  const { modules, inputs, run } = stepOf(target, id);
  return { macs: cost(trace(run, { inputs, constants: parameterSpecs(modules) })).macs, parameters: countParameters(modules) };
}
