import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Json } from '@controllab/data';
import { countParameters, readSafetensors, verifySafetensors, writeSafetensors } from '@controllab/core-blocks';
import { createSampler, encodeScenes, loadBaseModel, writeLatents } from '@controllab/mini-sd';
import { SCENE_SEEDS, trainingMix, type SceneSource } from '@controllab/emoji-scenes';
import { currentCommit, machine, writeReport } from '@controllab/report';
import type { CompileOptions } from '@controllab/tfjs-onnx';
import { stateTensors } from '@controllab/training';
import type { ExperimentOptions } from '../runner/command.ts';
import { RunDirectory } from '../runner/run-directory.ts';
import { drawPrompts, openJudges, scoreCell, type Cell, type Cells, type Judges } from './compare.ts';
import { controls, type Control } from './controls.ts';
import { profiles, promptSettings, variants } from './design.ts';
import { heldOutScenes, type HeldOutScene } from './held-out.ts';
import { ablationReport, type AblationResult, type Training } from './report.ts';
import { startDifference } from './start.ts';
import { mean } from './statistics.ts';
import { trainVariant } from './train-variant.ts';

/** Training scenes of the control networks: not the seed that the base model was pretrained on. */
const TRAINING_SCENES: Omit<SceneSource, 'tier'> = { seed: SCENE_SEEDS.controlTraining.seed, split: 'train', mix: trainingMix };

/** Pictures travel through JSON as base64. */
type Stored<T> = Omit<T, 'images'> & { images: string[] };
const toBase64 = (images: readonly Uint8Array[]): string[] => images.map((image) => Buffer.from(image).toString('base64'));
const fromBase64 = (images: readonly string[]): Uint8Array[] => images.map((image) => new Uint8Array(Buffer.from(image, 'base64')));
const mapValues = <T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([id, value]) => [id, change(value)]));
const decodeCells = (stored: Record<string, Stored<Cell>>): Cells =>
  mapValues(stored, (cell) => ({ ...cell, images: fromBase64(cell.images) }));

async function scoreCells(
  drawn: Record<string, Uint8Array[]>,
  scenes: readonly HeldOutScene[],
  control: Control,
  judges: Judges,
): Promise<Record<string, Stored<Cell>>> {
  const cells: Record<string, Stored<Cell>> = {};
  for (const [id, images] of Object.entries(drawn))
    cells[id] = { ...(await scoreCell(images, scenes, control, judges)), images: toBase64(images) };
  return cells;
}

/**
 * Trains the variants under every control and seed, draws and scores every prompt setting, writes the report. Every part is stored as soon
 * as it is done: a killed run that is started again continues, and ends with the bytes of an uninterrupted one.
 * @returns the report's folder, or null when a signal interrupted the run
 */
export async function runAblation(
  options: ExperimentOptions<keyof typeof profiles>,
  say: (message: string) => void,
): Promise<string | null> {
  const started = performance.now();
  const profile = profiles[options.profile];
  const seeds = Array.from({ length: profile.seeds }, (_, i) => options.seed + i);
  const engine: CompileOptions = { engine: options.engine, provider: options.provider, threads: os.cpus().length };
  const base = loadBaseModel();
  const judges = await openJudges(base, profile.final);
  const config: Json = {
    experiment: 'ablation',
    profile: { ...profile, controls: [...profile.controls] },
    seeds,
    engine: `${options.engine} ${options.engine === 'onnx' ? options.provider : ''}`.trim(),
    threads: os.cpus().length,
    base: base.hashes,
    judges: judges.hashes,
    variants: variants.map((v) => v.id),
    prompts: promptSettings.map((s) => s.id),
  };
  const run = await RunDirectory.open({
    root: path.join('runs', 'ablation'),
    name: `${options.profile}-seed-${options.seed}`,
    config,
    fresh: options.fresh,
    say,
  });
  try {
    say(`run folder ${run.path}`);
    const scenes = await heldOutScenes(base.tier, profile.final.singles, profile.final.pairs);

    const latents = path.join(run.path, 'latents.safetensors');
    if (!existsSync(latents) || !isSound(latents, say)) {
      say(`encoding ${profile.scenes} training scenes`);
      const source: SceneSource = { tier: base.tier, ...TRAINING_SCENES };
      writeLatents(latents, (await encodeScenes(base.vae, source, profile.scenes, { statistics: base.statistics })).latents, source);
    }

    const baseDrawn: Record<string, Uint8Array[]>[] = [];
    for (const seed of seeds) {
      const drawn = await run.stage(`base-${seed}`, async () => {
        say(`drawing with the base model alone, seed ${seed}`);
        return mapValues(await drawPrompts(base, null, scenes, profile, seed, engine), toBase64);
      });
      baseDrawn.push(mapValues(drawn, fromBase64));
    }
    const real = await run.stage('real', async () => {
      const { frechet, aesthetic } = await scoreCell(
        scenes.map(({ rgb8 }) => rgb8),
        scenes,
        controls[0]!,
        judges,
      );
      return { frechet, aesthetic: mean(aesthetic) };
    });

    const curveScenes = scenes.slice(0, profile.curve.images);
    const perfect = promptSettings.find((s) => s.id === 'perfect')!;
    const trained: AblationResult['trained'] = {};
    const baseCells: AblationResult['base'] = {};
    const hashes: string[] = [];
    const total = profile.controls.length * seeds.length * variants.length;
    let done = 0;
    for (const control of controls.filter(({ id }) => profile.controls.includes(id))) {
      const ofControl: Record<string, Training[]> = Object.fromEntries(variants.map(({ id }) => [id, []]));
      for (const seed of seeds) {
        for (const variant of variants) {
          const id = `${control.id}-${variant.id}-${seed}`;
          const weightsFile = path.join(run.path, `${id}.safetensors`);
          if (total > 1) say(`${++done} of ${total}: ${variant.label}, ${control.label}, seed ${seed}`);
          const module = variant.create();
          const start = await run.stage(`start-${id}`, () => startDifference(base, variant, control.id, seed, scenes.slice(0, 4), engine));
          const training = await run.stage(`training-${id}`, async () => {
            const sampler = await createSampler(base, { count: curveScenes.length, guidance: false, control: module }, engine);
            const result = await trainVariant({
              variant,
              control,
              base,
              profile,
              seed,
              latents,
              engine,
              directory: run.path,
              curve: {
                sampler,
                scenes: curveScenes,
                prompts: curveScenes.map(({ spec }) => perfect.prompt(spec, base.tier)),
                segmenter: judges.segmenter,
              },
            });
            await sampler.release();
            if (result.status === 'interrupted') throw new Interrupted();
            writeSafetensors(weightsFile, stateTensors(result.state, 'p'), {
              metadata: { variant: variant.id, control: control.id, seed: String(seed), config: run.hash },
            });
            const { samplesPerSecond, waitShare } = result.timing;
            return {
              losses: result.losses,
              curve: {
                steps: result.evaluations.map((e) => e.step),
                perImage: result.evaluations.map((e) => e.values['fidelity'] as readonly number[]),
              },
              timing: { samplesPerSecond, waitShare },
            };
          });
          const stored = readSafetensors(weightsFile);
          hashes.push(`${id} ${stored.metadata['sha256']?.slice(0, 12) ?? ''}`);
          const cells = await run.stage(`cells-${id}`, async () => {
            say(`drawing with ${variant.label} under ${promptSettings.length} prompt settings`);
            const weights = Object.fromEntries(stored.names().map((name) => [name, stored.tensor(name)]));
            return scoreCells(
              await drawPrompts(base, { kind: control, variant, weights }, scenes, profile, seed, engine),
              scenes,
              control,
              judges,
            );
          });
          ofControl[variant.id]!.push({ parameters: countParameters(module), start, ...training, cells: decodeCells(cells) });
        }
      }
      trained[control.id] = ofControl;
      baseCells[control.id] = [];
      for (const [i, seed] of seeds.entries())
        baseCells[control.id]!.push(
          decodeCells(await run.stage(`base-${control.id}-${seed}`, () => scoreCells(baseDrawn[i]!, scenes, control, judges))),
        );
    }

    const result: AblationResult = {
      profile,
      seeds,
      scenes,
      tier: base.tier,
      base: baseCells,
      trained,
      realFrechet: real.frechet,
      realAesthetic: real.aesthetic,
    };
    const directory = path.join('reports', 'ablation', options.profile);
    // The time of a run in pieces is nobody's measurement.
    const seconds = await run.stage('wall-time', async () => (run.resumed ? null : Math.round((performance.now() - started) / 1000)));
    const judged = Object.entries(judges.hashes).map(([name, hash]) => `${name} ${hash.slice(0, 12)}`);
    await writeReport(
      directory,
      ablationReport(result, {
        commit: currentCommit(),
        profile: options.profile,
        configHash: run.hash.slice(0, 16),
        weightsHash: `vae ${base.hashes.vae.slice(0, 12)}, mini-CLIP ${base.hashes.clip.slice(0, 12)}, U-Net ${base.hashes.unet.slice(0, 12)}; judges ${judged.join(', ')}; trained ${hashes.join(', ')}`,
        datasetHash: `emoji-scenes, tier ${base.tier}, seeds 17, 4242 and 4243`,
        engine: String((config as { engine: string }).engine),
        machine: machine(),
        wallSeconds: seconds,
        finishedAt: new Date().toISOString(),
        command: `npx nx run experiments:ablation --profile=${options.profile} --seed=${options.seed}`,
      }),
    );
    return directory;
  } catch (error) {
    if (error instanceof Interrupted) return null;
    throw error;
  } finally {
    run.close();
    await judges.release();
  }
}

class Interrupted extends Error {}

function isSound(file: string, say: (message: string) => void): boolean {
  try {
    verifySafetensors(file);
    return true;
  } catch (error) {
    say(`${(error as Error).message} Making it again.`);
    return false;
  }
}
