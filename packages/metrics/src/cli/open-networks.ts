import { readAestheticHead } from '../aesthetic/head.ts';
import { CLIP_MODELS, clipModelName } from '../clip/models.ts';
import { clipImageTower, clipTextTower, openClip } from '../clip/safetensors-towers.ts';
import { clipMeasure } from '../clip/score.ts';
import { readCaptionTokenizer } from '../clip/tokenizer.ts';
import type { ClipTowers } from '../clip/towers.ts';
import { MetricsError } from '../errors.ts';
import type { Networks } from '../evaluate/evaluate.ts';
import { needing, needs } from '../evaluate/metric-table.ts';
import { onnxExtractor, ONNX_INPUTS, type OnnxInput } from '../features/onnx-extractor.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { inceptionExtractor } from '../inception/extractor.ts';
import { inceptionPreprocess } from '../inception/presets.ts';
import { readInceptionWeights } from '../inception/weights.ts';
import { verifyFetched } from '../weights/fetch.ts';
import { fileHash } from '../weights/file-hash.ts';
import { locateWeights, weightsPlaces, type WeightsPlaces } from '../weights/locate.ts';
import { WEIGHTS, WEIGHTS_FOLDER, type WeightsName } from '../weights/registry.ts';
import type { EvaluateFlags } from './evaluate-options.ts';

/** The CLIP that the registry's weights are of. */
export const REGISTERED_CLIP = 'ViT-L/14';

/** How images are resized for Inception where nobody says otherwise. */
const PRESET = 'clean';

/** A mistyped preset is answered before anything is opened. @throws MetricsError unknown-preset */
export function checkPreset({ preset, network }: Pick<EvaluateFlags, 'preset' | 'network'>): void {
  if (network === undefined) inceptionPreprocess(preset ?? PRESET);
  else if (preset !== undefined && !Object.hasOwn(ONNX_INPUTS, preset)) {
    throw new MetricsError(
      'unknown-preset',
      `there is no preset "${preset}" for an ONNX network; there are ${Object.keys(ONNX_INPUTS).join(', ')}, or give --input-size, --input-mean and --input-std`,
      { preset },
    );
  }
}

/** The weights of the registry that the metrics load. */
function weightsOf({ metrics, network, aesthetic }: EvaluateFlags): readonly WeightsName[] {
  const loaded: WeightsName[] = [];
  if (needs(metrics, 'features') && network === undefined) loaded.push('inception');
  if (needs(metrics, 'embeddings')) loaded.push('clip', 'clip-tokenizer');
  if (needs(metrics, 'predictor')) loaded.push(predictorOf(aesthetic));
  return loaded;
}

const predictorOf = (version: EvaluateFlags['aesthetic']): WeightsName => `aesthetic-${version ?? 'v2'}`;

/** @throws MetricsError invalid-option for weights that nothing loads; what weightsPlaces throws */
export function checkWeights(flags: EvaluateFlags): void {
  const loaded = weightsOf(flags);
  const vain = [...weightsPlaces(flags.weights).files.keys()].find((name) => !loaded.includes(name));
  if (vain === undefined && (loaded.length > 0 || flags.weights.length === 0)) return;
  const what = `--metrics ${flags.metrics.join(',')}${flags.network === undefined ? '' : ' with --network'}`;
  throw new MetricsError(
    'invalid-option',
    `--weights ${vain === undefined ? flags.weights[0] : `${vain}=...`} is given in vain: ${what} loads ${loaded.length === 0 ? 'none of these weights' : loaded.join(', ')}`,
    { weights: flags.weights, loaded },
  );
}

type Locate = (name: WeightsName, purpose: string) => string;

/**
 * Opens what the metrics compute with. @returns the weights of the registry that are used beside it
 * @throws MetricsError weights-missing that says how to get them; what opening them throws
 */
export async function openNetworks(flags: EvaluateFlags): Promise<Networks & { used: readonly WeightsName[] }> {
  const { metrics } = flags;
  const places = weightsPlaces(flags.weights);
  const used = new Map<WeightsName, string>();
  const locate: Locate = (name, purpose) => {
    const file = locateWeights(places, name, purpose);
    used.set(name, file);
    return file;
  };
  const measure = clipMeasure(flags.clipMeasure ?? 'cosine');
  const network = needs(metrics, 'features') ? await openNetwork(flags, needing(metrics, 'features').join(', '), locate) : null;
  const clip = needs(metrics, 'embeddings') ? { towers: await openTowers(flags, places, locate), measure } : null;
  const predictor = needs(metrics, 'predictor') ? await readAestheticHead(locate(predictorOf(flags.aesthetic), 'aesthetic')) : null;
  for (const [name, file] of used) await verifyFetched(WEIGHTS[name], file, WEIGHTS_FOLDER);
  return { network, clip, predictor, used: [...used.keys()] };
}

async function openNetwork(
  { network, networkOutput, preset, provider, batch, ...input }: EvaluateFlags,
  purpose: string,
  locate: Locate,
): Promise<FeatureExtractor> {
  if (network === undefined)
    return inceptionExtractor(await readInceptionWeights(locate('inception', purpose)), {
      preset: preset ?? PRESET,
      batchSize: batch,
      provider,
    });
  return onnxExtractor(network, {
    input: onnxInput(preset, input),
    batchSize: batch,
    provider,
    ...(networkOutput === undefined ? {} : { output: networkOutput }),
  });
}

function onnxInput(
  preset: string | undefined,
  { inputSize: size, inputMean: mean, inputStd: std }: Pick<EvaluateFlags, 'inputSize' | 'inputMean' | 'inputStd'>,
): OnnxInput {
  if (preset !== undefined) return ONNX_INPUTS[preset as keyof typeof ONNX_INPUTS];
  if (size === undefined || mean === undefined || std === undefined)
    throw new MetricsError(
      'invalid-option',
      '--network needs to know its input: --preset dinov2, or --input-size, --input-mean and --input-std',
    );
  return { name: `${size} px, mean ${mean.join(' ')}, std ${std.join(' ')}`, size, mean, std };
}

async function openTowers(flags: EvaluateFlags, places: WeightsPlaces, locate: Locate): Promise<ClipTowers> {
  const backbone = clipModelName(flags.clip ?? REGISTERED_CLIP);
  if (backbone !== REGISTERED_CLIP && !places.files.has('clip'))
    throw new MetricsError(
      'weights-missing',
      `--clip ${backbone} needs its weights: --weights clip=FILE.safetensors (what metrics:fetch brings is ${REGISTERED_CLIP})`,
      { name: backbone },
    );
  const file = locate('clip', `CLIP ${backbone}`);
  const activation = flags.clipActivation ?? (await knownActivation(file));
  const name = activation === 'gelu' ? `${backbone}, GELU` : backbone;
  const weights = await openClip(name, CLIP_MODELS[backbone](activation), file);
  const tokenizer = await readCaptionTokenizer(locate('clip-tokenizer', `CLIP ${backbone}`));
  const { provider, batch } = flags;
  return {
    name,
    tokenizer,
    image: await clipImageTower(weights, { batchSize: batch, provider }),
    text: await clipTextTower(weights, { provider }),
  };
}

/**
 * The activation of OpenAI's published weights. A file of another's has the same tensors whichever it was trained with, and gives other
 * numbers with the wrong one.
 * @throws MetricsError invalid-option for any other file: it must be said
 */
async function knownActivation(file: string): Promise<'quick_gelu'> {
  if ((await fileHash(file)) === WEIGHTS.clip.sha256) return 'quick_gelu';
  throw new MetricsError(
    'invalid-option',
    `${file} does not say what its layers are activated by: give --clip-activation quick_gelu (OpenAI's own weights) or gelu (most of OpenCLIP's, such as LAION's and DataComp's)`,
    { file },
  );
}
