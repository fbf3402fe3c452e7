import os from 'node:os';
import path from 'node:path';
import { createSampler, sampleInBatches, type Sampler } from '@controllab/base-model';
import { workspaceRoot } from '@controllab/command-line';
import { attributions, caption, SCENE_SEEDS, type SceneSpec, type Tier } from '@controllab/emoji-scenes';
import { frechetDistance } from '@controllab/metrics';
import { checkReportFolder, currentCommit, machine, meanInterval, writeReport } from '@controllab/report';
import { openMini } from '../base/open-mini.ts';
import { compileClip, type ClipScorer } from '../judges/clip-score.ts';
import { compileJudge, type Judge, type JudgeFeatures } from '../judges/judge.ts';
import { loadClip, loadInception } from '../load-networks.ts';
import { tierFlag, tierFolder } from '../tier.ts';
import { evaluationPage, type AtGuidance, type Quality } from './page.ts';
import { evaluatedScenes, referenceScenes, shuffled, spread, type Evaluated } from './scenes.ts';

export interface EvaluationOptions {
  tier: Tier;
  seed: number;
  guidance: number;
  steps: number;
  /** Large singles of each object; half as many small ones and pairs. */
  perObject: number;
}

const BATCH = 64;
const SWEEP = [1, 1.5, 2, 3, 4, 6, 8];
const SWEEP_PICTURES = 192;

type Draw = (specs: readonly SceneSpec[], scale: number, what: string) => Promise<Uint8Array[]>;

/** Draws scenes by their captions, saying how far it is. */
const drawWith =
  (sampler: Sampler, { seed, steps }: EvaluationOptions, say: (message: string) => void): Draw =>
  async (specs, scale, what) => {
    const images = await sampleInBatches(sampler, {
      prompts: specs.map((spec) => caption(spec.parts)),
      seed,
      steps,
      guidanceScale: scale,
      onBatch: (done) => say(`${what}: ${done} of ${specs.length}`),
    });
    return images.map(({ rgb }) => rgb);
  };

interface Judges {
  readonly judge: Pick<Judge, 'judge'>;
  readonly clip: Pick<ClipScorer, 'scores'>;
  distance(features: JudgeFeatures): Promise<number>;
}

/** Draws the same scenes at every guidance scale: how many large singles are recognised, mean cosine with the captions, distance. */
export async function guidanceSweep(scenes: readonly Evaluated[], draw: Draw, { judge, clip, distance }: Judges): Promise<AtGuidance[]> {
  const specs = scenes.map(({ spec }) => spec);
  const captions = specs.map((spec) => caption(spec.parts));
  const mean = (values: readonly number[]): number => meanInterval(values).value;
  const sweep: AtGuidance[] = [];
  for (const scale of SWEEP) {
    const pictures = await draw(specs, scale, `guidance ${scale}`);
    const { verdicts, features } = await judge.judge(pictures, specs);
    const singles = verdicts.flatMap((v, i) => (scenes[i]!.kind === 'large singles' ? [Number(v.recognised[0])] : []));
    sweep.push({ scale, recognised: mean(singles), clip: mean(await clip.scores(pictures, captions)), frechet: await distance(features) });
  }
  return sweep;
}

/** Draws held-out prompts with the base model, measures what the pictures show, writes reports/mini-sd/evaluation. @returns the folder */
export async function evaluateBaseModel(options: EvaluationOptions, say: (message: string) => void): Promise<string> {
  const { tier, seed, guidance, steps, perObject } = options;
  const directory = path.join(tierFolder(path.join(workspaceRoot, 'reports', 'mini-sd'), tier), 'evaluation');
  await checkReportFolder(directory);
  const base = openMini({ tier });
  const [inception, clipWeights] = [loadInception(tier), loadClip('clip-judge', tier)];
  const judge = await compileJudge(inception.tensors, tier);
  const clip = await compileClip(clipWeights.tensors, tier, BATCH);
  const sampler = await createSampler(base, { count: BATCH, guidance: true }, {});
  const draw = drawWith(sampler, options, say);

  const evaluated = await evaluatedScenes(tier, perObject);
  const reference = await judge.features(await referenceScenes(tier, evaluated));
  const distance = async (features: JudgeFeatures): Promise<number> => (await frechetDistance(features, reference)).value;
  const specs = evaluated.map(({ spec }) => spec);
  const captions = specs.map((spec) => caption(spec.parts));
  const others = shuffled(captions);
  const real = evaluated.map((e) => e.real);

  await draw(specs.slice(0, 16), guidance, 'warming up');
  const started = performance.now();
  const images = await draw(specs, guidance, 'drawing');
  const perSixteen = ((performance.now() - started) / 1000 / images.length) * 16;
  const [ofDrawn, ofReal] = [await judge.judge(images, specs), await judge.judge(real, specs)];
  const [frechetDrawn, frechetReal] = [await distance(ofDrawn.features), await distance(ofReal.features)];
  const quality: Quality[] = [
    { label: 'real scenes of these prompts', frechet: frechetReal, clip: await clip.scores(real, captions) },
    { label: 'drawn', frechet: frechetDrawn, clip: await clip.scores(images, captions) },
    { label: 'drawn, captions shuffled', frechet: frechetDrawn, clip: await clip.scores(images, others) },
    { label: 'real scenes, captions shuffled', frechet: frechetReal, clip: await clip.scores(real, others) },
  ];
  const swept = spread(evaluated, SWEEP_PICTURES);
  const sweep = await guidanceSweep(swept, draw, { judge, clip, distance });
  await Promise.all([sampler.release(), judge.release(), clip.release()]);

  const short = (part: string): string => base.hashes[part]!.slice(0, 12);
  await writeReport(directory, {
    id: 'mini-sd-evaluation',
    title: 'What the embedded default can draw',
    ...evaluationPage({ evaluated, images, seed, guidance, steps }, { drawn: ofDrawn.verdicts, real: ofReal.verdicts }, quality, {
      sweep,
      prompts: swept.length,
    }),
    summary: `${images.length} pictures of held-out prompts at guidance ${guidance} and ${steps} DDIM steps; 16 pictures take ${perSixteen.toFixed(1)} s on this machine (with guidance, without compilation).`,
    claims: [],
    provenance: {
      commit: currentCommit(),
      profile: 'embedded default',
      configHash: null,
      weightsHash: `vae ${short('vae')}, mini-CLIP ${short('clip')}, U-Net ${short('unet')}; judges ${inception.hash.slice(0, 12)}, ${clipWeights.hash.slice(0, 12)}`,
      datasetHash: `emoji-scenes, tier ${tier}, seed ${SCENE_SEEDS.baseEvaluation.seed}`,
      engine: `onnx cpu, ${os.cpus().length} threads`,
      machine: machine(),
      wallSeconds: null,
      finishedAt: new Date().toISOString(),
      command: `npx nx run mini-sd:evaluate${tierFlag(tier)} --seed=${seed} --guidance=${guidance} --steps=${steps} --per-object=${perObject}`,
    },
    attribution: [attributions.openmoji],
  });
  return directory;
}
