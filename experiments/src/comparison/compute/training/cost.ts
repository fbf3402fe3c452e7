import { cost, trace } from '@controllab/tfjs-onnx';
import { denoisingStep, trainStepFunction } from '@controllab/training';
import { onBase } from '../../../runner/on-base.ts';
import { isCodeModel, methodOf, recipeOf, type Arm } from '../../experiment.ts';
import { codeModelCost } from './code-model.ts';
import { controlOf, type Setting } from './train.ts';

/** Multiply-accumulates of training, as graphs have them: forward, backward and optimizer. */
export interface TrainingCost {
  /** Of one step. */
  readonly step: number;
  /** Of what is trained before, once for all of an arm's trainings: a model's first stage. */
  readonly before: number;
}

export function trainingCost(setting: Setting, arm: Arm): TrainingCost {
  if (isCodeModel(arm.method)) return codeModelCost(setting, arm, arm.method);
  const ground = setting.on(arm);
  const { model } = onBase(ground.base, controlOf(ground, methodOf(arm)));
  const { fn, signature } = trainStepFunction(denoisingStep(model, recipeOf(setting.at.profile, arm), { name: arm.label }));
  return { step: cost(trace(fn, signature)).macs, before: 0 };
}
