import os from 'node:os';
import path from 'node:path';
import { workspaceRoot } from '@controllab/command-line';
import { attributions, type Style, type Tier } from '@controllab/emoji-scenes';
import { currentCommit, machine, writeReport, type ImageGrid, type Report, type Section } from '@controllab/report';
import { matmulCeiling } from '@controllab/tfjs-onnx';
import { tierFlag, tierFolder } from '../tier.ts';
import { readWeightsMetadata, weightsFile, type Part } from '../weights.ts';
import type { Recipe, TrainedStage } from './stage.ts';

/** Points of the loss curve: each is the mean of as many steps as it takes. */
const POINTS = 200;
/** Size of the matrix product that throughput is held against. */
const CEILING_SIZE = 1024;

export interface StageReport {
  part: Part;
  title: string;
  tier: Tier;
  seed: number;
  recipe: Recipe & Record<string, unknown>;
  trained: TrainedStage;
  /** What was measured on scenes that training never drew, by name. */
  quality: Record<string, number>;
  grid?: ImageGrid;
  /** Whose drawings it shows. */
  drawings?: readonly Style[];
}

/** reports/mini-sd/PART, of another tier reports/mini-sd/TIER/PART. */
export const stageReportFolder = (tier: Tier, part: Part): string =>
  path.join(tierFolder(path.join(workspaceRoot, 'reports', 'mini-sd'), tier), part);

/**
 * What the page says: quality, samples, learning curve, throughput.
 * @param ceiling GFLOPS of the machine's fastest matrix product
 */
export function stagePage(
  { part, title, tier, seed, recipe, trained: { result, macsPerStep }, quality, grid }: StageReport,
  ceiling: number,
): Pick<Report, 'takeaway' | 'summary' | 'sections'> {
  const { losses, timing } = result;
  const measures = Object.entries(quality);
  const width = Math.max(1, Math.floor(losses.length / POINTS));
  const points = Array.from({ length: Math.floor(losses.length / width) }, (_, i) => losses.slice(i * width, (i + 1) * width));
  const gflops = (2 * macsPerStep * timing.steps) / timing.seconds / 1e9;
  const round = (x: number): string => (Number.isFinite(x) ? String(Number(x.toPrecision(3))) : 'not measured');
  const sections: Section[] = [
    {
      id: 'quality',
      title: 'Quality',
      blocks: [
        measures.length === 0
          ? { kind: 'prose', text: 'Measured by `mini-sd:evaluate`.' }
          : {
              kind: 'table',
              id: 'quality-values',
              caption: 'Measured on scenes that training never drew.',
              rowHeader: 'Measure',
              columns: [{ label: 'value' }],
              rows: measures.map(([label, value]) => ({ label, cells: [Number(value.toFixed(4))] })),
            },
        ...(grid === undefined ? [] : [grid]),
      ],
    },
    {
      id: 'training',
      title: 'Training',
      blocks: [
        {
          kind: 'line',
          id: 'loss',
          caption: `Training loss, mean of ${width} steps a point.`,
          x: { label: 'training step' },
          y: { label: 'loss', scale: 'log' },
          series: [
            {
              label: part,
              x: points.map((p) => p.at(-1)!.step),
              y: points.map((p) => p.reduce((sum, { loss }) => sum + loss, 0) / p.length),
              n: width * recipe.batchSize,
              seeds: [seed],
            },
          ],
        },
        {
          kind: 'table',
          id: 'throughput',
          caption: `Throughput in the training loop since its last start, and the fastest float32 product of ${CEILING_SIZE} x ${CEILING_SIZE} matrices measured right after it.`,
          rowHeader: 'Stage',
          columns: [
            { label: 'samples/s' },
            { label: 'GFLOPS' },
            { label: 'ceiling, GFLOPS' },
            { label: 'share of the ceiling' },
            { label: 'images seen' },
          ],
          rows: [
            {
              label: part,
              cells: [
                round(timing.samplesPerSecond),
                round(gflops),
                round(ceiling),
                round(gflops / ceiling),
                recipe.batchSize * recipe.totalSteps,
              ],
            },
          ],
        },
        { kind: 'prose', text: `Recipe: \`${JSON.stringify(recipe)}\`` },
      ],
    },
  ];
  return {
    takeaway:
      measures.length === 0 ? `${title}: trained.` : measures.map(([label, value]) => `${label}: ${Number(value.toFixed(3))}`).join('; '),
    summary: `${recipe.totalSteps} steps of ${recipe.batchSize}; weights in \`${path.basename(weightsFile(part, tier))}\`.`,
    sections,
  };
}

/** Writes a part's page into its {@link stageReportFolder}. */
export async function writeStageReport(report: StageReport): Promise<void> {
  const { part, title, tier, seed, drawings = ['openmoji'] } = report;
  const metadata = readWeightsMetadata(part, tier);
  await writeReport(stageReportFolder(tier, part), {
    id: `mini-sd-${part}`,
    title,
    ...stagePage(report, await matmulCeiling(CEILING_SIZE)),
    claims: [],
    provenance: {
      commit: currentCommit(),
      profile: 'embedded default',
      configHash: null,
      weightsHash: metadata['sha256']?.slice(0, 12) ?? null,
      datasetHash: null,
      engine: `onnx cpu, ${os.cpus().length} threads`,
      machine: machine(),
      wallSeconds: null,
      finishedAt: new Date().toISOString(),
      command: `npx nx run mini-sd:pretrain-${part}${tierFlag(tier)} --seed=${seed}`,
    },
    attribution: drawings.map((style) => attributions[style]),
  });
}
