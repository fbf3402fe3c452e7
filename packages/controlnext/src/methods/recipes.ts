import { CONTROLNEXT_MODULES, type ControlNeXtConfig } from '../controlnext.ts';
import { CONTROLNEXT_INJECTIONS, type ControlNeXtInjection } from '../injection.ts';
import { TRAINABLE_PATTERNS } from '../selective-training.ts';

/** What a release of ControlNeXt does on one family of base models. */
export interface Recipe {
  /** But for the width of its features, which is that of the main branch where they are added. */
  readonly module: Omit<ControlNeXtConfig, 'final_out_channels'>;
  readonly injection: ControlNeXtInjection;
  /** Which of the base's parameters train; null: none. */
  readonly trains: RegExp | null;
  /** Their rate as a share of the module's. */
  readonly baseRate: number;
}

/** SD1.5's and SDXL's training scripts give the module ten times the base's rate. */
const TENTH = 0.1;

/**
 * The current module by family. `sd21` is ours: the recipe of SD1.5. So is `mini`, sized for the embedded default: features of a quarter
 * of the picture's size, added behind conv_in at full gain, because behind the first down block at the 0.35 of SD1.5's scripts it hardly
 * learns there. SD1.5's own gain is what its code has if its scripts do not say otherwise, 1.
 */
export const CURRENT: Readonly<Record<string, Recipe>> = {
  sd15: { module: CONTROLNEXT_MODULES.current, injection: CONTROLNEXT_INJECTIONS.sd15, trains: TRAINABLE_PATTERNS.sd15, baseRate: TENTH },
  sd21: { module: CONTROLNEXT_MODULES.current, injection: CONTROLNEXT_INJECTIONS.sd15, trains: TRAINABLE_PATTERNS.sd15, baseRate: TENTH },
  sdxl: { module: CONTROLNEXT_MODULES.current, injection: CONTROLNEXT_INJECTIONS.sdxl, trains: TRAINABLE_PATTERNS.sdxl, baseRate: TENTH },
  svd: { module: CONTROLNEXT_MODULES.current, injection: CONTROLNEXT_INJECTIONS.svd, trains: TRAINABLE_PATTERNS.svd, baseRate: 1 },
  mini: {
    module: { out_channels: [128], groups: [4] },
    injection: CONTROLNEXT_INJECTIONS.sdxl,
    trains: TRAINABLE_PATTERNS.sd15,
    baseRate: TENTH,
  },
};

/**
 * The modules that the paper's table counts, by family. SDXL's 1280 channels fit its lowest level only; where exactly it was added changes
 * no count.
 */
export const LEGACY: Readonly<Record<string, Recipe>> = {
  sd15: { ...CURRENT['sd15']!, module: CONTROLNEXT_MODULES.sd15Legacy, injection: CONTROLNEXT_INJECTIONS.sd15Inference },
  sdxl: { ...CURRENT['sdxl']!, module: CONTROLNEXT_MODULES.sdxlLegacy, injection: CONTROLNEXT_INJECTIONS.sd15Inference },
  svd: { ...CURRENT['svd']!, module: CONTROLNEXT_MODULES.svdV1, injection: CONTROLNEXT_INJECTIONS.svdV1 },
};
