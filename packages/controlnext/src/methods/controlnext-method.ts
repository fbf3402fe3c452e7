import { initialize, type Control, type ControlStrength, type ControlTarget, type Method } from '@controllab/core-blocks';
import { CONTROLNEXT_MODULES, ControlNeXtModel, type ControlNeXtConfig } from '../controlnext.ts';
import { ControlNeXtError } from '../errors.ts';
import { CONTROLNEXT_INJECTIONS, injectControl, type ControlNeXtInjection } from '../injection.ts';
import { TRAINABLE_PATTERNS } from '../selective-training.ts';

/** What a release of ControlNeXt does on one family of base models. */
interface Recipe {
  readonly module: ControlNeXtConfig;
  readonly injection: ControlNeXtInjection;
  /** Which of the base's parameters train, and at which share of the rate. */
  readonly trains: RegExp;
  readonly baseRate: number;
}

const released = (
  injection: keyof typeof CONTROLNEXT_INJECTIONS,
  trains: keyof typeof TRAINABLE_PATTERNS,
  module: ControlNeXtConfig = CONTROLNEXT_MODULES.current,
): Recipe => ({
  module,
  injection: CONTROLNEXT_INJECTIONS[injection],
  trains: TRAINABLE_PATTERNS[trains],
  baseRate: 1,
});

/**
 * The current module by family. The paper's recipe for SD1.5 serves SD2.1 too. `mini` is ours, sized for the embedded default: features of
 * a quarter of the picture with as many channels as its first level, added behind conv_in at full gain (measured there: behind the first
 * down block at the released gain it hardly learns), output projections at a tenth of the rate.
 */
const CURRENT: Readonly<Record<string, Recipe>> = {
  sd15: released('sd15', 'sd15'),
  sd21: released('sd15', 'sd15'),
  sdxl: released('sdxl', 'sdxl'),
  svd: released('svd', 'svd'),
  mini: {
    module: { out_channels: [128], groups: [4], final_out_channels: 64 },
    injection: CONTROLNEXT_INJECTIONS.sdxl,
    trains: TRAINABLE_PATTERNS.sd15,
    baseRate: 0.1,
  },
};

/**
 * The modules that the paper's table counts, by family. SDXL's 1280 channels fit its lowest level only; where exactly it was added changes
 * no count.
 */
const LEGACY: Readonly<Record<string, Recipe>> = {
  sd15: released('sd15Inference', 'sd15', CONTROLNEXT_MODULES.sd15Legacy),
  sdxl: released('sd15Inference', 'sdxl', CONTROLNEXT_MODULES.sdxlLegacy),
  svd: released('svdV1', 'svd', CONTROLNEXT_MODULES.svdV1),
};

function recipeOf(recipes: Readonly<Record<string, Recipe>>, { family }: ControlTarget, label: string): Recipe {
  const recipe = recipes[family];
  if (recipe === undefined)
    throw new ControlNeXtError('invalid-config', `${label} has no recipe for '${family}'; it has for ${Object.keys(recipes).join(', ')}`, {
      family,
    });
  return recipe;
}

function controlOf({ module: config, injection, trains, baseRate }: Recipe): Control {
  const module = new ControlNeXtModel(config);
  return {
    module,
    extraInputs: 0,
    apply: (t, strength?: ControlStrength) => ({
      inject: injectControl(injection, module.forward(t['condition']!, t['timesteps']!), strength === undefined ? {} : { strength }),
    }),
    trainsInBase: trains,
    baseRate,
    initial: (_base, seed) => initialize(module, seed, 'control'),
  };
}

/** Choices of {@link controlNeXt}. */
export interface ControlNeXtChoices {
  /** The modules that the paper's table counts, in place of the current one. */
  readonly legacy?: boolean;
}

/**
 * ControlNeXt: a small convolutional module whose features are added to the U-Net's main branch at one point, brought to its distribution
 * by cross normalisation; a subset of the U-Net trains with it. Source: ControlNeXt (2024), sections 3.2 and 3.3; the released code, family
 * by family.
 */
export function controlNeXt({ legacy = false }: ControlNeXtChoices = {}): Method {
  const label = legacy ? 'ControlNeXt, legacy module' : 'ControlNeXt';
  return {
    id: legacy ? 'controlnext-legacy' : 'controlnext',
    label,
    description:
      'a small module whose features are added at one point by cross normalisation; output projections of the U-Net train with it',
    config: { legacy },
    create: (target) => controlOf(recipeOf(legacy ? LEGACY : CURRENT, target, label)),
  };
}
