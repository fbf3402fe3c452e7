import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { checkOutput, openImageSource, readCaptions, writeOrKeep, type ImageSource } from '@controllab/data';
import { checkReportFolder, currentCommit, machine, Progress, writeReport, type Attribution, type Provenance } from '@controllab/report';
import { clipModelName } from '../clip/models.ts';
import { clipMeasure } from '../clip/score.ts';
import { MetricsError } from '../errors.ts';
import { evaluate, statisticsOf, type Evaluation, type Networks } from '../evaluate/evaluate.ts';
import { evaluationReport, setRemarks } from '../evaluate/evaluation-report.ts';
import { needs } from '../evaluate/metric-table.ts';
import { checkQuestion, type Question } from '../evaluate/question.ts';
import { quoted, type Score } from '../evaluate/score.ts';
import { isStatistics } from '../frechet/feature-statistics.ts';
import { openStatistics } from '../statistics-files/open-statistics.ts';
import { writeStatistics } from '../statistics-files/statistics-file.ts';
import { WEIGHTS } from '../weights/registry.ts';
import type { EvaluateFlags } from './evaluate-options.ts';
import { checkPreset, checkWeights, openNetworks, REGISTERED_CLIP } from './open-networks.ts';

/**
 * Measures as the flags say and writes the report; gives the page's path. Whatever is wrong with the question, or with the places that are
 * written to, is found before a network is loaded, and what is wrong with a network before an image is read. The scores are said before
 * anything is written.
 */
export async function runEvaluate(flags: EvaluateFlags, command: string, progress: Progress = new Progress()): Promise<string> {
  const started = performance.now();
  const overwrite = flags.overwrite === true;
  checkNames(flags);
  await checkReportFolder(flags.report, { overwrite });
  const question = await openQuestion(flags);
  if (flags.saveReference !== undefined) await checkSaveReference(flags.saveReference, question, { overwrite });
  const { used, ...networks } = await openNetworks(flags);

  const sources = { generated: question.generated, reference: isStatistics(question.reference) ? null : question.reference };
  const evaluation = await evaluate(question, networks, readingProgress(sources, progress));
  progress.end(`${countOf(evaluation)} images read`);
  say(evaluation, progress);
  const { network, clip } = networks;
  // What is wrong with one file is said once the other is written.
  const notSaved = await saveReference(flags, evaluation, network).then(
    () => null,
    (error: Error) => error,
  );
  await network?.release();
  await clip?.towers.image.release();
  await clip?.towers.text.release();
  const report = await evaluationReport({
    evaluation,
    sources,
    provenance: { ...provenanceOf(evaluation, networks, flags), wallSeconds: (performance.now() - started) / 1000, command },
    attribution: used.map((name): Attribution => ({
      work: WEIGHTS[name].what,
      author: WEIGHTS[name].author,
      license: WEIGHTS[name].license,
      url: WEIGHTS[name].url,
    })),
  });
  await writeOrKeep(flags.report, (folder) => writeReport(folder, report, { overwrite }));
  if (notSaved !== null) throw notSaved;
  return path.join(flags.report, 'index.html');
}

/** Names that are known without opening anything. @throws MetricsError unknown-preset, unknown-weights, invalid-option, file-read */
function checkNames(flags: EvaluateFlags): void {
  checkWeights(flags);
  clipModelName(flags.clip ?? REGISTERED_CLIP);
  if (flags.clipMeasure !== undefined) clipMeasure(flags.clipMeasure);
  checkPreset(flags);
}

/** Opens what is to be measured. @throws MetricsError and DataError as opening and checkQuestion do */
async function openQuestion(flags: EvaluateFlags): Promise<Question> {
  const { metrics, component, encoding } = flags;
  const generated = await openImageSource(flags.generated, {
    component,
    encoding,
    captions: needs(metrics, 'captions') && flags.captions === undefined,
  });
  const others = { component, captions: false };
  const reference =
    flags.reference === undefined ? null : ((await openStatistics(flags.reference)) ?? (await openImageSource(flags.reference, others)));
  const [conditions, predicted] = await Promise.all(
    [flags.condition, flags.predicted].map(async (maps) => (maps === undefined ? null : openImageSource(maps, others))),
  );
  const sets = [generated, reference, conditions, predicted];
  if (component !== undefined && !sets.some((set) => set && !isStatistics(set) && set.kind === 'webdataset'))
    throw new MetricsError('invalid-option', `--component ${component} chooses pictures of webdatasets, and none of the sets is one`, {
      component,
    });
  const captions = flags.captions === undefined ? null : await readCaptions(flags.captions, encoding);
  const { canny } = flags;
  return checkQuestion({ metrics, generated, reference, captions, conditions, predicted, ...(canny === undefined ? {} : { canny }) });
}

/** @throws MetricsError invalid-option where there is nothing to keep, or the file is something else; DataError file-write */
async function checkSaveReference(file: string, { reference, metrics }: Question, { overwrite }: { overwrite: boolean }): Promise<void> {
  if (reference === null || isStatistics(reference) || !metrics.includes('fid')) {
    throw new MetricsError(
      'invalid-option',
      '--save-reference keeps what fid gathers of reference images: give those, and fid among the metrics',
    );
  }
  await checkOutput(file, 'file');
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  const kept = size === 0 || overwrite ? null : await openStatistics(file).catch(() => null);
  if (size > 0 && !overwrite && (kept === null || kept.provenance === null))
    throw new MetricsError('invalid-option', `--save-reference ${file}: this file is something else; name another, or say --overwrite`, {
      file,
    });
}

/** Keeps the statistics that --save-reference asks for. @throws DataError file-write */
async function saveReference(
  { saveReference: file }: EvaluateFlags,
  { reference }: Evaluation,
  network: Networks['network'],
): Promise<void> {
  if (file === undefined || network === null || reference === null || isStatistics(reference)) return;
  const statistics = await statisticsOf(reference, network);
  await writeOrKeep(path.dirname(file), async (folder) => writeStatistics(path.join(folder, path.basename(file)), statistics));
}

/** Says how many images were read, a set after the other. */
function readingProgress(sources: { generated: ImageSource; reference: ImageSource | null }, progress: Progress) {
  let read: { set: string; count: number } | null = null;
  return (set: 'generated' | 'reference', count: number): void => {
    if (read !== null && read.set !== set) progress.end(`${read.count} ${read.set} images read`);
    read = { set, count };
    const total = sources[set]?.names.length ?? null;
    progress.update({ text: `${set} images: ${count}${total === null ? '' : ` of ${total}`}`, done: count, total });
  };
}

const countOf = ({ generated, reference }: Evaluation): string =>
  reference === null || isStatistics(reference) ? `${generated.names.length} generated` : `${reference.names.length} reference`;

/** The scores and what one must know of them, in the terminal. */
function say(evaluation: Evaluation, progress: Progress): void {
  for (const remark of [...setRemarks(evaluation), ...evaluation.notes]) progress.end(`note: ${remark}`);
  for (const score of evaluation.scores) progress.end(scoreText(score));
}

function scoreText(score: Score): string {
  const { set, value } = score;
  const [number, interval] = typeof value === 'number' ? [value, null] : [value.value, value.interval];
  return `${quoted(score)}${set === 'reference' ? ', reference images' : ''}: ${number.toPrecision(6)}${interval ? ` [${interval.map((end) => end.toPrecision(4)).join(', ')}]` : ''}`;
}

function provenanceOf(
  { generated }: Evaluation,
  { network, clip }: Networks,
  { provider }: EvaluateFlags,
): Omit<Provenance, 'wallSeconds' | 'command'> {
  const weights = [network, clip?.towers.image].flatMap((extractor) =>
    extractor ? [`${extractor.name} ${extractor.weightsHash.slice(0, 16)}`] : [],
  );
  return {
    commit: currentCommit(),
    profile: network?.preprocess.name ?? clip?.towers.image.preprocess.name ?? 'none',
    configHash: null,
    weightsHash: weights.join(', '),
    datasetHash: generated.imageSet.hash,
    engine: `onnxruntime-node ${onnxRuntimeVersion()}, ${provider}`,
    machine: machine(),
    finishedAt: new Date().toISOString(),
  };
}

const onnxRuntimeVersion = (): string =>
  (JSON.parse(readFileSync(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'), 'utf8')) as { version: string })
    .version;
