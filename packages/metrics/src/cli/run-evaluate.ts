import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { checkReportFolder, currentCommit, machine, Progress, writeReport, type Attribution } from '@controllab/report';
import { readAestheticHead, type AestheticHead } from '../aesthetic/head.ts';
import { CLIP_MODELS, clipModelName } from '../clip/models.ts';
import { clipImageTower, clipTextTower, openClip } from '../clip/safetensors-towers.ts';
import { clipMeasure } from '../clip/score.ts';
import { readCaptionTokenizer } from '../clip/tokenizer.ts';
import type { ClipTowers } from '../clip/towers.ts';
import { MetricsError } from '../errors.ts';
import { readCaptions, openImageSource } from '@controllab/data';
import { evaluate, statisticsOf } from '../evaluate/evaluate.ts';
import { evaluationReport } from '../evaluate/evaluation-report.ts';
import { needing, needs } from '../evaluate/metric-table.ts';
import { checkQuestion } from '../evaluate/question.ts';
import { quoted } from '../evaluate/score.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { isStatistics } from '../frechet/feature-statistics.ts';
import { readStatistics, writeStatistics } from '../statistics-files/statistics-file.ts';
import { inceptionExtractor } from '../inception/extractor.ts';
import { readInceptionWeights } from '../inception/weights.ts';
import { onnxExtractor, ONNX_INPUTS, type OnnxInput } from '../features/onnx-extractor.ts';
import { inceptionPreprocess } from '../inception/presets.ts';
import { verifyFetched } from '../weights/fetch.ts';
import { locateWeights, weightsPlaces, type WeightsPlaces } from '../weights/locate.ts';
import { WEIGHTS, WEIGHTS_FOLDER, type WeightsName } from '../weights/registry.ts';
import type { EvaluateFlags } from './evaluate-options.ts';

/** The CLIP that the registry's weights are of. */
const REGISTERED_CLIP = 'ViT-L/14';

/**
 * Measures as the flags say and writes the report; gives the page's path. Whatever is wrong with the question is found before a network
 * is loaded, and what is wrong with a network before an image is read.
 */
export async function runEvaluate(flags: EvaluateFlags, command: string, progress: Progress = new Progress()): Promise<string> {
  const started = performance.now();
  const { metrics } = flags;
  const places = weightsPlaces(flags.weights);
  const measure = clipMeasure(flags.clipMeasure);
  checkPreset(flags);
  await checkReportFolder(flags.report);
  const generated = await openImageSource(flags.generated);
  const reference =
    flags.reference === undefined
      ? null
      : flags.reference.endsWith('.safetensors')
        ? readStatistics(flags.reference)
        : await openImageSource(flags.reference);
  const [conditions, predicted] = await Promise.all(
    [flags.condition, flags.predicted].map(async (maps) => (maps === undefined ? null : openImageSource(maps))),
  );
  const captions = flags.captions === undefined ? null : await readCaptions(flags.captions);
  const question = checkQuestion({ metrics, generated, reference, captions, conditions, predicted });
  if (flags.saveReference !== undefined && (reference === null || isStatistics(reference) || !metrics.includes('fid'))) {
    throw new MetricsError(
      'invalid-option',
      '--save-reference keeps what fid gathers of reference images: give those, and fid among the metrics',
    );
  }

  const used = new Map<WeightsName, string>();
  const locate = (name: WeightsName, purpose: string): string => {
    const file = locateWeights(places, name, purpose);
    used.set(name, file);
    return file;
  };
  const network = needs(metrics, 'features') ? await openNetwork(flags, needing(metrics, 'features').join(', '), locate) : null;
  const clip = needs(metrics, 'embeddings') ? { towers: await openTowers(flags, places, locate), measure } : null;
  const predictor: AestheticHead | null = needs(metrics, 'predictor')
    ? await readAestheticHead(locate(`aesthetic-${flags.aesthetic}`, 'aesthetic'))
    : null;

  for (const [name, file] of used) await verifyFetched(WEIGHTS[name], file, WEIGHTS_FOLDER);

  const sources = { generated, reference };
  let read: string | null = null;
  const evaluation = await evaluate(question, { network, clip, predictor }, (set, count) => {
    if (count === 1 && read !== null) progress.end(read);
    read = `${count} ${set} images read`;
    const source = sources[set];
    const total = source === null || isStatistics(source) ? null : (source.names?.length ?? null);
    progress.update({ text: `${set} images: ${count}${total === null ? '' : ` of ${total}`}`, done: count, total });
  });
  progress.end(read!);
  if (flags.saveReference !== undefined && network !== null && evaluation.reference !== null && !isStatistics(evaluation.reference)) {
    writeStatistics(flags.saveReference, await statisticsOf(evaluation.reference, network));
  }
  await network?.release();
  await clip?.towers.image.release();
  await clip?.towers.text.release();

  const weights = [network, clip?.towers.image].flatMap((extractor) =>
    extractor ? [`${extractor.name} ${extractor.weightsHash.slice(0, 16)}`] : [],
  );
  const report = await evaluationReport({
    evaluation,
    sources: { generated, reference: isStatistics(reference) ? null : reference },
    provenance: {
      commit: currentCommit(),
      profile: network?.preprocess.name ?? clip?.towers.image.preprocess.name ?? 'none',
      configHash: null,
      weightsHash: weights.join(', '),
      datasetHash: evaluation.generated.imageSet.hash,
      engine: `onnxruntime-node ${onnxRuntimeVersion()}, ${flags.provider}`,
      machine: machine(),
      wallSeconds: (performance.now() - started) / 1000,
      finishedAt: new Date().toISOString(),
      command,
    },
    attribution: [...used.keys()].map((name): Attribution => ({
      work: WEIGHTS[name].what,
      author: WEIGHTS[name].author,
      license: WEIGHTS[name].license,
      url: WEIGHTS[name].url,
    })),
  });
  await writeReport(flags.report, report);
  for (const score of evaluation.scores) {
    const { set, value } = score;
    const [number, interval] = typeof value === 'number' ? [value, null] : [value.value, value.interval];
    progress.end(
      `${quoted(score)}${set === 'reference' ? ', reference images' : ''}: ${number.toPrecision(6)}${interval ? ` [${interval.map((end) => end.toPrecision(4)).join(', ')}]` : ''}`,
    );
  }
  return path.join(flags.report, 'index.html');
}

/** A mistyped preset is answered before anything is opened. */
function checkPreset({ preset, network }: EvaluateFlags): void {
  if (network === undefined) inceptionPreprocess(preset ?? 'clean');
  else if (preset !== undefined && !Object.hasOwn(ONNX_INPUTS, preset)) {
    throw new MetricsError(
      'unknown-preset',
      `there is no preset "${preset}" for an ONNX network; there are ${Object.keys(ONNX_INPUTS).join(', ')}, or give --input-size, --input-mean and --input-std`,
      { preset },
    );
  }
}

async function openNetwork(
  { network, networkOutput, preset, provider, batch, ...input }: EvaluateFlags,
  purpose: string,
  locate: (name: WeightsName, purpose: string) => string,
): Promise<FeatureExtractor> {
  if (network === undefined)
    return inceptionExtractor(await readInceptionWeights(locate('inception', purpose)), {
      preset: preset ?? 'clean',
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

async function openTowers(
  { clip: backbone, provider, batch }: EvaluateFlags,
  places: WeightsPlaces,
  locate: (name: WeightsName, purpose: string) => string,
): Promise<ClipTowers> {
  const name = clipModelName(backbone);
  if (name !== REGISTERED_CLIP && !places.files.has('clip'))
    throw new MetricsError(
      'weights-missing',
      `--clip ${name} needs its weights: --weights clip=FILE.safetensors (what metrics:fetch brings is ${REGISTERED_CLIP})`,
      { name },
    );
  const weights = await openClip(name, CLIP_MODELS[name](), locate('clip', `CLIP ${name}`));
  const tokenizer = await readCaptionTokenizer(locate('clip-tokenizer', `CLIP ${name}`));
  return {
    name,
    tokenizer,
    image: await clipImageTower(weights, { batchSize: batch, provider }),
    text: await clipTextTower(weights, { provider }),
  };
}

const onnxRuntimeVersion = (): string =>
  (JSON.parse(readFileSync(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'), 'utf8')) as { version: string })
    .version;
