import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { countParameters, readSafetensors, verifySafetensors, writeSafetensors } from '@controllab/core-blocks';
import { createSampler, encodeScenes, loadBaseModel, writeLatents, type SceneSource } from '@controllab/mini-sd';
import { trainingMix } from '@controllab/emoji-scenes';
import { writeReport } from '@controllab/report';
import type { CompileOptions } from '@controllab/tfjs-onnx';
import { stateTensors, type Json } from '@controllab/training';
import type { ExperimentOptions } from '../runner/command.ts';
import { currentCommit, machine } from '../runner/provenance.ts';
import { RunDirectory } from '../runner/run-directory.ts';
import { samplePrompts, type Cells } from './compare.ts';
import { profiles, promptSettings, variants } from './design.ts';
import { heldOutScenes } from './held-out.ts';
import { ablationReport, type AblationResult, type VariantResult } from './report.ts';
import { startDifference } from './start.ts';
import { trainVariant } from './train-variant.ts';

/** Training scenes of the control networks: not the seed that the base model was pretrained on. */
const TRAINING_SCENES: Omit<SceneSource, 'tier'> = { seed: 17, split: 'train', mix: trainingMix };

/** Images travel through JSON as base64. */
const encodeCells = (cells: Cells) => Object.fromEntries(Object.entries(cells).map(([id, cell]) => [id, { ...cell, images: cell.images.map((image) => Buffer.from(image).toString('base64')) }]));
const decodeCells = (stored: ReturnType<typeof encodeCells>): Cells =>
  Object.fromEntries(Object.entries(stored).map(([id, cell]) => [id, { ...cell, images: cell.images.map((image) => new Uint8Array(Buffer.from(image, 'base64'))) }]));

/**
 * Trains the variants, samples them under every prompt setting, writes the report. Every part is stored as soon as it is
 * done: a killed run that is started again continues, and ends with the bytes of an uninterrupted one.
 * @returns the report's folder, or null when a signal interrupted the run
 */
export async function runAblation(options: ExperimentOptions<keyof typeof profiles>, say: (message: string) => void): Promise<string | null> {
  const started = performance.now();
  const { seed } = options;
  const profile = profiles[options.profile];
  const engine: CompileOptions = { engine: options.engine, provider: options.provider, threads: os.cpus().length };
  const base = loadBaseModel();
  const config: Json = {
    experiment: 'ablation',
    profile: { ...profile },
    seed,
    engine: `${options.engine} ${options.engine === 'onnx' ? options.provider : ''}`.trim(),
    threads: os.cpus().length,
    base: base.hashes,
    variants: variants.map((v) => v.id),
    prompts: promptSettings.map((s) => s.id),
  };
  const run = RunDirectory.open({ root: path.join('runs', 'ablation'), name: `${options.profile}-seed-${seed}`, config, fresh: options.fresh, say });
  try {
    say(`run folder ${run.path}`);
    const scenes = await heldOutScenes(base.tier, profile.final.singles, profile.final.pairs);

    const latents = path.join(run.path, 'latents.safetensors');
    if (!existsSync(latents) || !isSound(latents, say)) {
      say(`encoding ${profile.scenes} training scenes`);
      const source: SceneSource = { tier: base.tier, ...TRAINING_SCENES };
      writeLatents(latents, (await encodeScenes(base.vae, source, profile.scenes, { statistics: base.statistics })).latents, source);
    }

    const curveScenes = scenes.slice(0, profile.curve.images);
    const perfect = promptSettings.find((s) => s.id === 'perfect')!;
    const results: Record<string, VariantResult> = {};
    for (const variant of variants) {
      const module = variant.create();
      const start = await run.stage(`start-${variant.id}`, () => startDifference(base, variant, seed, scenes.slice(0, 4), engine));
      const trained = await run.stage(`training-${variant.id}`, async () => {
        const sampler = await createSampler(base, { count: curveScenes.length, guidance: false, control: module }, engine);
        const result = await trainVariant({
          variant, base, profile, seed, latents, engine,
          directory: run.path,
          curve: { sampler, scenes: curveScenes, prompts: curveScenes.map(({ spec }) => perfect.prompt(spec, base.tier)) },
        });
        await sampler.release();
        if (result.status === 'interrupted') throw new Interrupted();
        writeSafetensors(weightsFile(run, variant.id), stateTensors(result.state, 'p'), { metadata: { variant: variant.id, config: run.hash } });
        const curve = (kind: 'tolerant' | 'exact') => ({ steps: result.evaluations.map((e) => e.step), perImage: result.evaluations.map((e) => e.values[kind] as readonly number[]) });
        const { samplesPerSecond, waitShare } = result.timing;
        return { losses: result.losses, curve: { tolerant: curve('tolerant'), exact: curve('exact') }, timing: { samplesPerSecond, waitShare } };
      });
      const stored = readSafetensors(weightsFile(run, variant.id));
      const weights = Object.fromEntries(stored.names().map((name) => [name, stored.tensor(name)]));
      const cells = await run.stage(`cells-${variant.id}`, async () => {
        say(`sampling ${variant.label} under ${promptSettings.length} prompt settings`);
        return encodeCells(await samplePrompts(base, { variant, weights }, scenes, profile, seed, engine));
      });
      results[variant.id] = { parameters: countParameters(module), start, ...trained, cells: decodeCells(cells) };
    }
    const baseCells = await run.stage('cells-base', async () => {
      say('sampling the base model without control');
      return encodeCells(await samplePrompts(base, null, scenes, profile, seed, engine));
    });

    const result: AblationResult = { profile, seed, scenes, base: decodeCells(baseCells), variants: results };
    const directory = path.join('reports', 'ablation', options.profile);
    // The time of a run in pieces is nobody's measurement.
    const seconds = await run.stage('wall-time', async () => (run.resumed ? null : Math.round((performance.now() - started) / 1000)));
    await writeReport(
      directory,
      ablationReport(result, {
        commit: currentCommit(),
        profile: options.profile,
        configHash: run.hash.slice(0, 16),
        weightsHash: `vae ${base.hashes.vae.slice(0, 12)}, mini-CLIP ${base.hashes.clip.slice(0, 12)}, U-Net ${base.hashes.unet.slice(0, 12)}; trained ${variants.map((v) => `${v.id} ${readSafetensors(weightsFile(run, v.id)).metadata['sha256']?.slice(0, 12) ?? ''}`).join(', ')}`,
        datasetHash: `emoji-scenes, tier ${base.tier}, seeds 17 and 4242`,
        engine: String((config as { engine: string }).engine),
        machine: machine(),
        wallSeconds: seconds,
        finishedAt: new Date().toISOString(),
        command: `npx nx run experiments:ablation --profile=${options.profile} --seed=${seed}`,
      }),
    );
    return directory;
  } catch (error) {
    if (error instanceof Interrupted) return null;
    throw error;
  } finally {
    run.close();
  }
}

class Interrupted extends Error {}

const weightsFile = (run: RunDirectory, variant: string): string => path.join(run.path, `${variant}.safetensors`);

function isSound(file: string, say: (message: string) => void): boolean {
  try {
    verifySafetensors(file);
    return true;
  } catch (error) {
    say(`${(error as Error).message} Making it again.`);
    return false;
  }
}
