import { expect, it } from 'vitest';
import { controlNet, controlNetLite, controlNetMlp, controlNetXs, ldmConcatenation, t2iAdapter } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import { openBase } from '@controllab/mini-sd';
import { cost, trace } from '@controllab/tfjs-onnx';
import { denoisingStep, trainStepFunction } from '@controllab/training';
import { onBase } from '../train/on-base.ts';
import { recipe } from './arms.ts';
import { STEP_MMACS } from './control-methods.ts';

it('equal FLOPs are what the steps’ graphs have', async () => {
  const base = await openBase('mini');
  const methods = [controlNet(), controlNetLite(), controlNetMlp(), controlNeXt(), controlNetXs(), t2iAdapter(), ldmConcatenation()];
  const counted = methods.map((method) => {
    const { model } = onBase(base, method.create(base.denoiser().target));
    const { fn, signature } = trainStepFunction(denoisingStep(model, recipe, { name: method.label }));
    return [method.id, Math.round(cost(trace(fn, signature)).macs / 1e6)];
  });
  expect(Object.fromEntries(counted)).toEqual(STEP_MMACS);
}, 120_000);
