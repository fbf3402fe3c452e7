import { countParameters, parameterSpecs, withParameters, type Module, type Modules } from '@controllab/core-blocks';
import { trainableNames } from '@controllab/controlnext';
import { cost, trace, type NamedTensors, type TensorSpec } from '@controllab/tfjs-onnx';
import type { Family, Method } from '../full-size/families.ts';
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
  method: Method['id'] | 'base';
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

/** The parameters of a U-Net that a method trains. */
function subsetOf(unet: Module, pattern: RegExp | null): { parameters: number; tensors: number } {
  if (!pattern) return { parameters: 0, tensors: 0 };
  const specs = parameterSpecs(unet);
  const names = trainableNames(Object.keys(specs), pattern);
  return { parameters: names.reduce((sum, name) => sum + specs[name]!.shape.reduce((a, b) => a * b, 1), 0), tensors: names.length };
}

/** Counts of a base model and of every method that controls it: one denoising step at batch 1. */
export function measureFamily({ id, label, setting, unet, inputs, predict, methods }: Family): FamilyCounts {
  const base: MethodCounts = {
    method: 'base',
    label: 'base model',
    control: 0,
    subset: { parameters: 0, tensors: 0 },
    learnable: 0,
    ...forward({ unet }, inputs, (t) => ({ prediction: predict(t) })),
  };
  const controlled = methods.map((method): MethodCounts => {
    const control = countParameters(method.control);
    const subset = subsetOf(unet, method.trainable);
    return {
      method: method.id,
      label: method.label,
      control,
      subset,
      learnable: control + subset.parameters,
      ...forward({ unet, control: method.control }, inputs, (t) => ({ prediction: predict(t, method.run(t)) })),
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
