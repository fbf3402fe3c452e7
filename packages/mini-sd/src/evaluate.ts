import os from 'node:os';
import path from 'node:path';
import { createSampler, sampleInBatches } from '@controllab/base-model';
import { workspaceRoot } from '@controllab/command-line';
import { firstExamples } from '@controllab/data';
import { frechetDistance } from '@controllab/metrics';
import {
  attributions,
  borderColour,
  caption,
  catalogue,
  colourNames,
  colours,
  emojiScenes,
  nearestColour,
  SCENE_SEEDS,
  type SceneMix,
  type SceneSpec,
  type Split,
  type Tier,
} from '@controllab/emoji-scenes';
import {
  currentCommit,
  machine,
  meanInterval,
  checkReportFolder,
  writeReport,
  type ImageGrid,
  type LineFigure,
  type Measurement,
  type Table,
} from '@controllab/report';
import { compileClip } from './judges/clip-score.ts';
import { compileJudge, type JudgeFeatures, type Verdict } from './judges/judge.ts';
import { IMAGE_SIZE } from './networks/models.ts';
import { loadClip, loadInception } from './load-networks.ts';
import { openMini } from './base/open-mini.ts';
import { tierFlag, tierFolder } from './tier.ts';

export interface EvaluationOptions {
  tier: Tier;
  seed: number;
  guidance: number;
  steps: number;
  /** Large singles of each object; half as many small ones and pairs. */
  perObject: number;
}

const BATCH = 64;
/** Real scenes behind the Frechet distance. */
const REFERENCE = 2048;
const SWEEP = [1, 1.5, 2, 3, 4, 6, 8];
const SWEEP_PICTURES = 192;
/** Held-out prompts in the grid. */
const SHOWN = 64;

type Kind = 'large singles' | 'small singles' | 'pairs';
const only = (kind: keyof SceneMix): SceneMix => ({ largeSingle: 0, smallSingle: 0, pair: 0, row: 0, [kind]: 1 });
const KINDS: Record<Kind, { split: Split; mix: SceneMix }> = {
  'large singles': { split: 'train', mix: only('largeSingle') },
  'small singles': { split: 'train', mix: only('smallSingle') },
  pairs: { split: 'val-combination', mix: only('pair') },
};

interface Evaluated {
  spec: SceneSpec;
  real: Uint8Array;
  kind: Kind;
}

/** Scenes of a kind in which every object that training shows comes first equally often. */
async function balanced(tier: Tier, kind: Kind, each: number, seed: number): Promise<Evaluated[]> {
  const scenes = await emojiScenes({ tier, seed, ...KINDS[kind] });
  const left = new Map(catalogue(tier).flatMap(({ id, heldOut }) => (heldOut ? [] : [[id, each]])));
  const found: Evaluated[] = [];
  let missing = each * left.size;
  for (let i = 0; missing > 0; i++) {
    const example = await scenes.example(i);
    const { id } = example.spec.placements[0]!.object;
    const wanted = left.get(id) ?? 0;
    if (wanted === 0) continue;
    left.set(id, wanted - 1);
    missing--;
    found.push({ spec: example.spec, real: example.image.rgb, kind });
  }
  return found;
}

/**
 * Draws held-out prompts with the base model and measures what the pictures show. Writes reports/mini-sd/evaluation. @returns the folder
 */
export async function evaluateBaseModel(
  { tier, seed, guidance, steps, perObject }: EvaluationOptions,
  say: (message: string) => void,
): Promise<string> {
  const directory = path.join(tierFolder(path.join(workspaceRoot, 'reports', 'mini-sd'), tier), 'evaluation');
  await checkReportFolder(directory);
  const base = openMini({ tier });
  const [inception, clipWeights] = [loadInception(tier), loadClip('clip-judge', tier)];
  const judge = await compileJudge(inception.tensors, tier);
  const clip = await compileClip(clipWeights.tensors, tier, BATCH);
  const evaluated = [
    ...(await balanced(tier, 'large singles', perObject, SCENE_SEEDS.baseEvaluation.seed)),
    ...(await balanced(tier, 'small singles', Math.ceil(perObject / 2), SCENE_SEEDS.baseEvaluation.seed)),
    ...(await balanced(tier, 'pairs', Math.ceil(perObject / 2), SCENE_SEEDS.baseEvaluation.seed)),
  ];
  const short = (part: string): string => base.hashes[part]!.slice(0, 12);
  const sampler = await createSampler(base, { count: BATCH, guidance: true }, {});
  const draw = async (specs: readonly SceneSpec[], scale: number, what: string): Promise<Uint8Array[]> => {
    const images = await sampleInBatches(sampler, {
      prompts: specs.map((spec) => caption(spec.parts)),
      seed,
      steps,
      guidanceScale: scale,
      onBatch: (done) => say(`${what}: ${done} of ${specs.length}`),
    });
    return images.map(({ rgb }) => rgb);
  };
  const reference = await judge.features(await realScenes(tier, evaluated));
  const specs = evaluated.map(({ spec }) => spec);
  const captions = specs.map((spec) => caption(spec.parts));
  const shuffled = captions.map((_, i) => captions[(i + Math.floor(captions.length / 2)) % captions.length]!);
  const real = evaluated.map((e) => e.real);

  await draw(specs.slice(0, 16), guidance, 'warming up');
  const started = performance.now();
  const images = await draw(specs, guidance, 'drawing');
  const seconds = (performance.now() - started) / 1000;
  const measured = (samples: readonly number[]): Measurement => ({ ...meanInterval(samples), seeds: [seed] });
  const palette = colourNames.map((name) => colours[name]);
  const colourRight = (pictures: readonly Uint8Array[]): number[] =>
    pictures.map((image, i) =>
      Number(colourNames[nearestColour(borderColour(image, IMAGE_SIZE, IMAGE_SIZE), palette)] === specs[i]!.background.colour),
    );
  const rowsOf = (verdicts: readonly Verdict[]): [string, number[]][] => {
    const of = (kind: Kind): Verdict[] => verdicts.filter((_, i) => evaluated[i]!.kind === kind);
    const relations = of('pairs').flatMap(({ relation }) => (relation === null ? [] : [Number(relation)]));
    return [
      ['large singles, top-1', of('large singles').map((v) => Number(v.recognised[0]))],
      ['large singles, top-5', of('large singles').map((v) => Number(v.topFive))],
      ['small singles, top-1', of('small singles').map((v) => Number(v.recognised[0]))],
      ['pair members recognised', of('pairs').map((v) => v.recognised.filter(Boolean).length / 2)],
      ['left of, right of, above, below: right in recognised pairs', relations],
    ];
  };
  const [ofDrawn, ofReal] = [await judge.judge(images, specs), await judge.judge(real, specs)];
  const [drawn, onReal] = [rowsOf(ofDrawn.verdicts), rowsOf(ofReal.verdicts)];
  const content: Table = {
    kind: 'table',
    id: 'content',
    caption: `What mini-inception sees in ${images.length} pictures of held-out prompts, and in the real scenes of the same prompts: its ceiling. Every object that training shows is asked for equally often.`,
    rowHeader: 'Measure',
    columns: [{ label: 'drawn', better: 'higher' }, { label: 'real scenes' }],
    rows: [
      ...drawn.map(([label, samples], i) => ({ label, cells: [samples.length === 0 ? null : measured(samples), measured(onReal[i]![1])] })),
      { label: 'background colour', cells: [measured(colourRight(images)), measured(colourRight(real))] },
    ],
  };
  const distance = async (features: JudgeFeatures): Promise<number> => (await frechetDistance(features, reference)).value;
  const quality: Table = {
    kind: 'table',
    id: 'quality',
    caption: `Fréchet distance (mini-inception) to ${REFERENCE} real scenes of another seed, and CLIP score (mini): raw cosine by the mini-CLIP that had no part in drawing.`,
    rowHeader: 'Pictures',
    columns: [
      { label: 'Fréchet distance (mini-inception)', better: 'lower' },
      { label: 'CLIP score (mini)', better: 'higher' },
    ],
    rows: [
      { label: 'real scenes of these prompts', cells: [await distance(ofReal.features), measured(await clip.scores(real, captions))] },
      { label: 'drawn', cells: [await distance(ofDrawn.features), measured(await clip.scores(images, captions))] },
      { label: 'drawn, captions shuffled', cells: [await distance(ofDrawn.features), measured(await clip.scores(images, shuffled))] },
      { label: 'real scenes, captions shuffled', cells: [await distance(ofReal.features), measured(await clip.scores(real, shuffled))] },
    ].map(({ label, cells: [fd, score] }) => ({ label, cells: [Number((fd as number).toFixed(2)), score!] })),
  };

  // Every third scene: all kinds in their proportion.
  const sweepScenes = evaluated
    .filter((_, i) => i % Math.max(1, Math.floor(evaluated.length / SWEEP_PICTURES)) === 0)
    .slice(0, SWEEP_PICTURES);
  const sweep: { recognised: number; clip: number; frechet: number }[] = [];
  for (const scale of SWEEP) {
    const pictures = await draw(
      sweepScenes.map(({ spec }) => spec),
      scale,
      `guidance ${scale}`,
    );
    const { verdicts, features } = await judge.judge(
      pictures,
      sweepScenes.map(({ spec }) => spec),
    );
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    sweep.push({
      recognised: mean(verdicts.flatMap((v, i) => (sweepScenes[i]!.kind === 'large singles' ? [Number(v.recognised[0])] : []))),
      clip: mean(
        await clip.scores(
          pictures,
          sweepScenes.map(({ spec }) => caption(spec.parts)),
        ),
      ),
      frechet: await distance(features),
    });
  }
  await Promise.all([sampler.release(), judge.release(), clip.release()]);
  const curve = (id: string, label: string, values: readonly number[]): LineFigure => ({
    kind: 'line',
    id,
    caption: `${label} by guidance scale, ${sweepScenes.length} held-out prompts, ${steps} DDIM steps.`,
    x: { label: 'guidance scale' },
    y: { label },
    series: [{ label: 'base model', x: SWEEP, y: values, n: sweepScenes.length, seeds: [seed] }],
  });
  const step = Math.floor(evaluated.length / SHOWN);
  const grid: ImageGrid = {
    kind: 'image-grid',
    id: 'samples',
    caption: `${SHOWN} held-out prompts, guidance ${guidance}, ${steps} DDIM steps: the real scene and the drawn one.`,
    columns: [0, 1, 2, 3].flatMap((g) => ['real', 'drawn'].map((label) => ({ group: `${g + 1}`, label }))),
    rows: Array.from({ length: SHOWN / 4 }, (_, r) => {
      const shown = [0, 1, 2, 3].map((g) => (r * 4 + g) * step);
      const picture = (rgb: Uint8Array, alt: string) => ({ rgb, width: IMAGE_SIZE, height: IMAGE_SIZE, alt });
      return {
        label: `${r + 1}`,
        images: shown.flatMap((i) => [
          { ...picture(real[i]!, captions[i]!), caption: captions[i]! },
          picture(images[i]!, `Drawn: ${captions[i]!}`),
        ]),
      };
    }),
  };
  const perSixteen = (seconds / images.length) * 16;
  await writeReport(directory, {
    id: 'mini-sd-evaluation',
    title: 'What the embedded default can draw',
    takeaway: `Mini-inception names the object of ${Math.round(100 * measured(drawn[0]![1]).value)}% of the large singles that it draws.`,
    lead: grid.id,
    summary: `${images.length} pictures of held-out prompts at guidance ${guidance} and ${steps} DDIM steps; 16 pictures take ${perSixteen.toFixed(1)} s on this machine (with guidance, without compilation).`,
    claims: [],
    sections: [
      { id: 'pictures', title: 'The pictures', blocks: [grid] },
      { id: 'measures', title: 'Measures', blocks: [content, quality] },
      {
        id: 'guidance',
        title: 'Guidance scale',
        blocks: [
          curve(
            'guidance-top1',
            'top-1 of large singles',
            sweep.map((s) => s.recognised),
          ),
          curve(
            'guidance-clip',
            'CLIP score (mini)',
            sweep.map((s) => s.clip),
          ),
          curve(
            'guidance-frechet',
            'Fréchet distance (mini-inception)',
            sweep.map((s) => s.frechet),
          ),
        ],
      },
    ],
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

/** Real scenes of another seed in the proportion of the evaluated kinds. */
async function realScenes(tier: Tier, evaluated: readonly Evaluated[]): Promise<Uint8Array[]> {
  const images: Uint8Array[] = [];
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const count = Math.round((REFERENCE * evaluated.filter((e) => e.kind === kind).length) / evaluated.length);
    const scenes = await emojiScenes({ tier, seed: SCENE_SEEDS.baseReference.seed, ...KINDS[kind] });
    images.push(...(await firstExamples(scenes, count)).map(({ image }) => image.rgb));
  }
  return images;
}
