import { cost, trace } from '@controllab/tfjs-onnx';
import { denoisingStep, trainStepFunction } from '@controllab/training';
import { onBase } from '../../train/on-base.ts';
import { recipeOf, type Arm } from '../experiment.ts';
import { controlOf, type Setting } from './train.ts';

/** Multiply-accumulates of one training step of an arm, as its graph has them: forward, backward and optimizer. */
export function trainingCost(setting: Setting, arm: Arm): number {
  const ground = setting.on(arm);
  const { model } = onBase(ground.base, controlOf(ground, arm.method));
  const { fn, signature } = trainStepFunction(denoisingStep(model, recipeOf(setting.at.profile, arm), { name: arm.label }));
  return cost(trace(fn, signature)).macs;
}
