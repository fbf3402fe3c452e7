import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Json, canonicalJson, isDiskFull, jsonDifference, jsonHash } from '@controllab/data';
import { verifySafetensors, writeSafetensors } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';

import { TrainingError } from './errors.ts';

/*
 * A checkpoint is one safetensors file, step-00000123.safetensors: every state tensor under its state name (p:, m:, v:, ema:),
 * and in the header's metadata the step, the configuration with its hash, the position of the counter-based randomness
 * (the seed and the next step), the log's mark, and writeSafetensors' SHA-256 of everything in the file.
 */

const FORMAT = 'controllab-checkpoint/2';
const NAME = /^step-(\d{8,})\.safetensors$/;
/** The newest may be broken by what ended the run; the one before it is the way back. */
const KEPT = 2;
const DIFFERENCES_SHOWN = 12;

export interface Checkpoint {
  file: string;
  /** Steps done. */
  step: number;
  state: Record<string, HostTensor>;
  /** Mark of the log when it was written, see `TrainingLog`. */
  log: string;
}

const fileOf = (directory: string, step: number) => path.join(directory, `step-${String(step).padStart(8, '0')}.safetensors`);

/** Where a run directory's checkpoints lie. */
export const checkpointFolder = (run: string): string => path.join(run, 'checkpoints');

/** Steps of the checkpoints in a directory, newest first; none where it is not there. */
export function checkpointSteps(directory: string): number[] {
  return (existsSync(directory) ? readdirSync(directory) : [])
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

/**
 * Writes the checkpoint of `step` atomically, then removes all but the newest `kept` (2 at least) up to it and the newest that `isSound`.
 * Throws TrainingError `disk-full`, with everything written earlier left in place.
 */
export function writeCheckpoint(
  directory: string,
  {
    step,
    seed,
    config,
    state,
    log,
    isSound,
    kept = KEPT,
  }: Omit<Checkpoint, 'file'> & { seed: number; config: Json; isSound: (step: number) => boolean; kept?: number },
): string {
  const file = fileOf(directory, step);
  const bytes = Object.values(state).reduce((sum, { data }) => sum + data.byteLength, 0);
  try {
    mkdirSync(directory, { recursive: true });
    writeSafetensors(file, state, {
      metadata: {
        format: FORMAT,
        step: String(step),
        config: canonicalJson(config),
        config_hash: jsonHash(config),
        rng: JSON.stringify({ seed, next_step: step }),
        log,
      },
    });
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    const last = checkpointSteps(directory).find((s) => isWhole(fileOf(directory, s)));
    throw new TrainingError(
      'disk-full',
      `The disk is full: the checkpoint of step ${step} (${(bytes / 1e6).toFixed(1)} MB) could not be written to ${directory}. ${
        last === undefined ? 'There is no earlier checkpoint' : `Nothing older is lost: ${path.basename(fileOf(directory, last))} is intact`
      }. Free some space and run the same command again: it continues from step ${last ?? 0}.`,
      { step, directory, bytes, last: last ?? null },
      { cause: error },
    );
  }
  // newer ones were found broken when this run resumed, or they would have been used
  const steps = checkpointSteps(directory);
  const upToThis = steps.filter((s) => s <= step);
  const good = [...upToThis.slice(0, Math.max(KEPT, kept)), upToThis.find(isSound)];
  for (const s of steps) if (!good.includes(s)) rmSync(fileOf(directory, s), { force: true });
  return file;
}

/** Removes what an atomic write that was killed left behind. */
function removeTemporary(directory: string): void {
  for (const name of readdirSync(directory))
    if (/^\.step-\d+\.safetensors\..+\.tmp$/.test(name)) rmSync(path.join(directory, name), { force: true });
}

function readCheckpoint(file: string): Checkpoint & { config: Json; hash: string } {
  const tensors = verifySafetensors(file);
  const { format, step, config, config_hash: hash, log } = tensors.metadata;
  if (format !== FORMAT || step === undefined || config === undefined || hash === undefined || log === undefined)
    throw new Error(`its format is ${format ?? 'missing'}, not ${FORMAT}`);
  const state = Object.fromEntries(tensors.names().map((name) => [name, tensors.tensor(name)]));
  return { file, step: Number(step), state, config: JSON.parse(config) as Json, hash, log };
}

function isWhole(file: string): boolean {
  try {
    readCheckpoint(file);
    return true;
  } catch {
    return false;
  }
}

/**
 * The newest checkpoint that is whole and whose log is. Others are passed to `onBroken` by name and skipped.
 * @param holds whether the log still has every line up to a mark
 * Throws TrainingError `config-differs`, listing the differences, when it was made by another configuration.
 */
export function newestCheckpoint(
  directory: string,
  config: Json,
  { holds, onBroken }: { holds(log: string): boolean; onBroken(file: string, reason: string): void },
): Checkpoint | null {
  mkdirSync(directory, { recursive: true });
  removeTemporary(directory);
  for (const step of checkpointSteps(directory)) {
    const file = fileOf(directory, step);
    let checkpoint;
    try {
      checkpoint = readCheckpoint(file);
      if (checkpoint.step !== step) throw new Error(`it holds step ${checkpoint.step}`);
    } catch (error) {
      onBroken(file, error instanceof Error ? error.message : String(error));
      continue;
    }
    if (checkpoint.hash !== jsonHash(config)) {
      const differences = jsonDifference(checkpoint.config, config);
      const shown = differences.slice(0, DIFFERENCES_SHOWN).join('; ');
      throw new TrainingError(
        'config-differs',
        `${file} was made by another configuration (checkpoint -> now): ${shown}${
          differences.length > DIFFERENCES_SHOWN ? `; and ${differences.length - DIFFERENCES_SHOWN} more` : ''
        }. Use another directory, or remove this one to start over.`,
        { file, differences },
      );
    }
    if (!holds(checkpoint.log)) {
      onBroken(file, 'lines of the log up to it are damaged or lost, so its steps are computed again');
      continue;
    }
    return { file, step, state: checkpoint.state, log: checkpoint.log };
  }
  return null;
}
