import { featureStrength, type Control, type ControlTarget } from '@controllab/core-blocks';
import type { NamedTensors } from '@controllab/tfjs-onnx';
import type { ControlOptions } from '../controlnet.ts';
import { toUNetResiduals, type ControlResiduals } from '../residuals.ts';

/** A module whose output is added to a U-Net's skips and middle block, and where it starts. */
export interface ResidualNetwork extends Pick<Control, 'module' | 'initial'> {
  residuals(t: NamedTensors, options: ControlOptions): ControlResiduals;
}

/** How the family of ControlNets enters a U-Net, and whether that trains. */
export interface ResidualChoices {
  /** Connect the middle block alone. */
  readonly onlyMid?: boolean;
  /** Train the U-Net too, at this share of the rate; null: the locked copy. */
  readonly jointRate?: number | null;
  /** Which of its parameters then train, by name; all of them without it. */
  readonly trains?: RegExp;
}

/** What the family of ControlNets has in common: a control that adds residuals. */
export function residualControl(
  target: ControlTarget,
  { module, initial, residuals }: ResidualNetwork,
  { onlyMid = false, jointRate = null, trains = /^/ }: ResidualChoices = {},
): Control {
  return {
    module,
    extraInputs: 0,
    apply: (t, strength = 1) => toUNetResiduals(residuals(t, { conditioningScale: featureStrength(target, t, strength) }), { onlyMid }),
    trainsInBase: jointRate === null ? null : trains,
    baseRate: jointRate ?? 1,
    initial,
  };
}
