import type { SafetensorsFile } from '@controllab/core-blocks';
import type { Prediction } from '@controllab/diffusion';
import { BaseModelError } from '../../errors.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';

/** diffusers' names of what a network predicts. */
const TYPES: Readonly<Record<Prediction, string>> = { epsilon: 'epsilon', v: 'v_prediction', sample: 'sample' };

/** What a single file says of how it was trained. */
export interface FileMarkers {
  readonly prediction: Prediction | null;
  /** Trained with noise up to pure noise. */
  readonly zeroTerminalSnr: boolean;
}

export const NO_MARKERS: FileMarkers = { prediction: null, zeroTerminalSnr: false };

/** Values of the metadata's prediction type. */
const MODELSPEC: Readonly<Record<string, Prediction>> = { epsilon: 'epsilon', v: 'v' };
/** Where it stands: in Stability AI's metadata, which kohya's scripts write too, and in ComfyUI's. */
const MODELSPEC_KEYS = ['modelspec.prediction_type', 'modelspec.predict_key'];

/** Tensors beside the network's by which ComfyUI tells a model that was trained in EDM's formulation. */
const EDM: readonly (readonly [tensor: string, words: string])[] = [
  ['edm_mean', 'Playground 2.5'],
  ['edm_std', 'Playground 2.5'],
  ['edm_vpred.sigma_max', 'CosXL'],
  ['edm_vpred.sigma_min', 'CosXL'],
];

/**
 * Empty tensors `v_pred` and `ztsnr`, as merging tools and ComfyUI have them, and the metadata's prediction type.
 * @throws BaseModelError invalid-model for a model of another formulation of diffusion
 */
export function fileMarkers({ file, header, metadata }: SafetensorsFile): FileMarkers {
  const edm = EDM.find(([tensor]) => header.has(tensor));
  if (edm !== undefined)
    throw new BaseModelError(
      'invalid-model',
      `${file} has ${edm[0]}: it was trained in EDM's formulation of diffusion (as ${edm[1]} was), which is not implemented.`,
      { file, tensor: edm[0] },
    );
  const stated = MODELSPEC_KEYS.flatMap((key) => {
    const value = metadata[key] ?? '';
    return Object.hasOwn(MODELSPEC, value) ? [MODELSPEC[value]!] : [];
  });
  return { prediction: header.has('v_pred') ? 'v' : (stated[0] ?? null), zeroTerminalSnr: header.has('ztsnr') };
}

/** diffusers wrote no prediction type before it had one, in 0.9; all that it ran then predicts the noise. */
const beforePredictionTypes = (version: unknown): boolean => typeof version === 'string' && /^0\.[0-8]\./.test(version);

/**
 * The scheduler's config with what the network predicts: as it was asked for, else as the file says, else the config. It is never guessed:
 * a network of the one kind run as the other gives noise, or worse, almost a picture.
 * @throws BaseModelError invalid-model where none of them says
 */
export function withPrediction(config: SchedulerConfig, file: FileMarkers, asked: Prediction | null, where: string): SchedulerConfig {
  const known = asked ?? file.prediction;
  const old = beforePredictionTypes(config['_diffusers_version']) ? 'epsilon' : undefined;
  const type = known === null ? (config['prediction_type'] ?? old) : TYPES[known];
  if (type === undefined || type === null)
    throw new BaseModelError(
      'invalid-model',
      `${where} does not say what the network predicts: write prediction_type into scheduler_config.json, or name it with --prediction epsilon (most of SD1 and SDXL) or --prediction v (SD2.1 at 768 pixels, models that call themselves v-pred).`,
      { config },
    );
  if (typeof type !== 'string')
    throw new BaseModelError('invalid-model', `${where}: prediction_type: expected a name, got ${JSON.stringify(type).slice(0, 50)}.`, {
      config,
    });
  return { ...config, prediction_type: type, ...(file.zeroTerminalSnr ? { rescale_betas_zero_snr: true } : {}) };
}
