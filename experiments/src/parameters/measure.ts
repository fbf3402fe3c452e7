import { countParameters, parameterSpecs, withParameters, type Modules } from '@controllab/core-blocks';
import { trainedInBase } from '@controllab/training';
import { cost, trace, type NamedTensors, type TensorSpec } from '@controllab/tfjs-onnx';
import { stepInputs, type Family, type FullSizeMethod } from '../full-size/target.ts';
import { activationBytes } from './activations.ts';
import type { Component } from './components.ts';

/** What one forward pass takes, from its graph; nothing is allocated or run. */
export interface Forward {
  parameters: number;
  tensors: number;
  macs: number;
  /** Intermediate results in float32. */
  activations: { sum: number; peak: number };
}

export interface MethodCounts extends Forward {
  method: FullSizeMethod['id'] | 'base';
  label: string;
  /** The network beside the U-Net. */
  control: number;
  /** Those of the U-Net that train with it. */
  subset: { parameters: number; tensors: number };
  learnable: number;
}

export interface FamilyCounts {
  id: Family['id'];
  label: string;
  setting: string;
  /** The base model first. */
  methods: MethodCounts[];
}

export interface ComponentCounts extends Forward {
  id: string;
  label: string;
  setting: string;
}

function forward(modules: Modules, inputs: Record<string, TensorSpec>, f: (t: NamedTensors) => NamedTensors): Forward {
  const constants = parameterSpecs(modules);
  const graph = trace((args) => ({ outputs: withParameters(modules, args.constants, () => f(args.inputs)) }), { inputs, constants });
  return {
    parameters: countParameters(modules),
    tensors: Object.keys(constants).length,
    macs: cost(graph).macs,
    activations: activationBytes(graph),
  };
}

/** The parameters of the U-Net that a method trains. */
function subsetOf({ denoiser }: Pick<Family, 'denoiser'>, { control }: FullSizeMethod): { parameters: number; tensors: number } {
  const specs = parameterSpecs({ unet: denoiser.unet });
  const names = trainedInBase({ denoiser, control });
  return { parameters: names.reduce((sum, name) => sum + specs[name]!.shape.reduce((a, b) => a * b, 1), 0), tensors: names.length };
}

/** Counts of a base model and of every method that controls it: one denoising step at batch 1. */
export function measureFamily(family: Family): FamilyCounts {
  const { id, label, setting, denoiser, methods } = family;
  const { unet } = denoiser;
  const base: MethodCounts = {
    method: 'base',
    label: 'base model',
    control: 0,
    subset: { parameters: 0, tensors: 0 },
    learnable: 0,
    ...forward({ unet }, stepInputs(family, 'base'), (t) => ({ prediction: denoiser.predict(t) })),
  };
  const controlled = methods.map((method): MethodCounts => {
    const { module } = method.control;
    const control = countParameters(module);
    const subset = subsetOf(family, method);
    return {
      method: method.id,
      label: method.label,
      control,
      subset,
      learnable: control + subset.parameters,
      ...forward({ unet, control: module }, stepInputs(family, 'controlnet'), (t) => ({
        prediction: denoiser.predict(t, method.control.apply(t)),
      })),
    };
  });
  return { id, label, setting, methods: [base, ...controlled] };
}

export const measureComponent = ({ id, label, setting, module, inputs, run }: Component): ComponentCounts => ({
  id,
  label,
  setting,
  ...forward(module, inputs, (t) => ({ result: run(t) })),
});
