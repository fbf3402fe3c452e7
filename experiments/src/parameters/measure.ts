import type { Architecture } from '@controllab/base-model';
import {
  baseModules,
  controlOptions,
  countParameters,
  parameterSpecs,
  withParameters,
  type Control,
  type Denoiser,
  type Modules,
} from '@controllab/core-blocks';
import { trainedInBase } from '@controllab/training';
import { cost, trace, type NamedTensors, type TensorSpec } from '@controllab/tfjs-onnx';
import { labelOf, METHODS, methodsFor, type MethodId, type RowId } from '../full-size/methods.ts';
import { controlledInputs } from '../full-size/target.ts';
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
  id: RowId;
  label: string;
  /** The network beside the U-Net. */
  control: number;
  /** Those of the U-Net that train with it: how they are chosen by name, and how many. */
  subset: { names: string | null; parameters: number; tensors: number };
  learnable: number;
}

export interface FamilyCounts {
  id: Architecture['id'];
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

/** The parameters of the U-Net that a control trains. */
function subsetOf(denoiser: Denoiser, control: Control): MethodCounts['subset'] {
  const specs = parameterSpecs({ unet: denoiser.unet });
  const names = trainedInBase({ denoiser, control });
  return {
    names: control.trainsInBase === null ? null : String(control.trainsInBase),
    parameters: names.reduce((sum, name) => sum + specs[name]!.shape.reduce((a, b) => a * b, 1), 0),
    tensors: names.length,
  };
}

function measureBase(denoiser: Denoiser): MethodCounts {
  return {
    id: 'base',
    label: labelOf('base'),
    control: 0,
    subset: { names: null, parameters: 0, tensors: 0 },
    learnable: 0,
    ...forward({ unet: denoiser.unet }, denoiser.inputs(1), (t) => ({ prediction: denoiser.predict(t) })),
  };
}

function measureMethod(denoiser: Denoiser, id: MethodId): MethodCounts {
  const made = METHODS[id].create(denoiser.target);
  const control = countParameters(made.module);
  const subset = subsetOf(denoiser, made);
  return {
    id,
    label: labelOf(id),
    control,
    subset,
    learnable: control + subset.parameters,
    ...forward({ ...baseModules(denoiser, made), control: made.module }, controlledInputs(denoiser), (t) => ({
      prediction: denoiser.predict(t, controlOptions(made, denoiser, t)),
    })),
  };
}

/** Counts of a base model and of every method that controls it: one denoising step at batch 1. */
export function measureFamily(architecture: Architecture): FamilyCounts {
  const { id, label, setting } = architecture;
  const denoiser = architecture.denoiser();
  const methods = methodsFor(architecture).map((method) => measureMethod(denoiser, method));
  return { id, label, setting, methods: [measureBase(denoiser), ...methods] };
}

export const measureComponent = ({ id, label, setting, module, inputs, run }: Component): ComponentCounts => ({
  id,
  label,
  setting,
  ...forward(module, inputs, (t) => ({ result: run(t) })),
});
