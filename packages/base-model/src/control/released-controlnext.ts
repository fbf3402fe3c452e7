import fs from 'node:fs';
import path from 'node:path';
import { controlNeXt } from '@controllab/controlnext';
import {
  CoreBlocksError,
  externalStateDict,
  parameterSpecs,
  readConstant,
  readSafetensors,
  type Control,
  type SafetensorsFile,
  type Weights,
} from '@controllab/core-blocks';
import type { Base } from '../base.ts';
import { BaseModelError } from '../errors.ts';
import { ldmNames } from '../unet-layout.ts';
import { fromIncrements, untuned } from './increments.ts';

/** Names of a release's files: the module, and what was trained of the U-Net, as weights or as their increments. */
const MODULE = /^controlne(?:x)?t[\w.-]*\.safetensors$/;
const UNET = /^unet[\w.-]*\.safetensors$/;
/** The release's own spellings, and that of its script for extracting them; `unet_diffusers` says of which names its tensors are. */
const INCREMENTS = /increas|increa?ment|_diff(?![a-z])/;

interface Parts {
  readonly module: SafetensorsFile;
  readonly unet: SafetensorsFile;
}

/** @throws BaseModelError invalid-control naming what is missing, or stands twice */
function open(name: string): Parts {
  const directory = fs.statSync(name).isDirectory() ? name : path.dirname(name);
  const files = fs.readdirSync(directory).sort();
  const one = (what: string, pattern: RegExp): string => {
    const [file, another] = files.filter((candidate) => pattern.test(candidate));
    if (file === undefined || another !== undefined)
      throw new BaseModelError(
        'invalid-control',
        file === undefined
          ? `The ControlNeXt ${name} lacks ${what}, which is released beside controlnet.safetensors as unet.safetensors or unet_weight_increasements.safetensors.`
          : `${directory} holds several files that may be ${what} of a ControlNeXt: ${file}, ${another}. Keep one release in a folder.`,
        { directory, files },
      );
    return path.join(directory, file);
  };
  const module = directory === name ? one('the module', MODULE) : name;
  return { module: readSafetensors(module), unet: readSafetensors(one('what it trained in the U-Net', UNET)) };
}

/** Whether a folder is a release of ControlNeXt. */
export const isControlNeXtRelease = (directory: string): boolean => fs.readdirSync(directory).some((file) => MODULE.test(file));

/**
 * The release's module by what only one has: those that the paper counts have a learned scale; SVD's first has it behind a stem.
 * @throws BaseModelError invalid-control for SVD's
 */
function isLegacy({ file, header }: SafetensorsFile): boolean {
  const legacy = header.has('scale');
  if (legacy && header.has('embedding.0.weight'))
    throw new BaseModelError('invalid-control', `${file} is a ControlNeXt of Stable Video Diffusion, which makes video.`, { file });
  return legacy;
}

/** Tensors of the U-Net's file by the U-Net's names. @throws BaseModelError invalid-control naming what the U-Net does not have */
function inUNet(file: SafetensorsFile, base: Base): Map<string, string> {
  const specs = parameterSpecs(base.denoiser().unet);
  const ldm = ldmNames(Object.keys(specs));
  const places = new Map(Object.keys(specs).flatMap((name) => [[name, name] as const, [ldm(name), name] as const]));
  const names = file.names();
  const problems = names.flatMap((name) => {
    const own = places.get(name);
    if (own === undefined) return [`the U-Net has no ${name}`];
    const [expected, found] = [specs[own]!.shape, file.header.get(name)!.shape];
    return expected.join() === found.join() ? [] : [`${name}: expected [${expected.join(', ')}], found [${found.join(', ')}]`];
  });
  if (problems.length > 0 || names.length === 0)
    throw new BaseModelError(
      'invalid-control',
      `${file.file} was trained in another U-Net than that of ${base.label}:\n  ${(problems.length ? problems : ['it holds no tensors']).slice(0, 6).join('\n  ')}`,
      { file: file.file, problems },
    );
  return new Map(names.map((name) => [places.get(name)!, name]));
}

const squares = (data: ArrayLike<number>, other?: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i]! - (other?.[i] ?? 0)) ** 2;
  return sum;
};

/**
 * Whether a file holds W_tuned - W_base rather than W_tuned: its name may say so, but SDXL's increments were released as unet.safetensors.
 * Training changes weights little: they are nearer to the base's than to zero, increments nearer to zero than to the base's weights.
 */
function areIncrements(file: SafetensorsFile, names: ReadonlyMap<string, string>, base: Base): boolean {
  if (INCREMENTS.test(path.basename(file.file))) return true;
  let [toZero, toBase] = [0, 0];
  for (const [own, name] of names) {
    const { data } = file.tensor(name);
    toZero += squares(data);
    toBase += squares(data, readConstant(untuned(base, own)!).data);
  }
  return toZero < toBase;
}

/** The tuned weights under `unet.`: in their file, or, of increments, in one of their own. */
function tunedWeights(file: SafetensorsFile, names: ReadonlyMap<string, string>, base: Base): Weights {
  const stored: Weights = Object.fromEntries([...names].map(([own, name]) => [own, file.external(name)]));
  const tuned = areIncrements(file, names, base) ? fromIncrements(stored, base) : stored;
  return Object.fromEntries(Object.entries(tuned).map(([name, tensor]) => [`unet.${name}`, tensor]));
}

const exactly = (names: Iterable<string>): RegExp =>
  new RegExp(`^(?:${[...names].map((name) => name.replaceAll(/[.*+?^\${}()|[\]\\]/g, '\\$&')).join('|')})$`);

/**
 * Opens a released ControlNeXt (dvlab-research/ControlNeXt): the module, `controlnet.safetensors` or `controlnext.safetensors`, and beside
 * it what was trained of the U-Net, in diffusers' or LDM's names, as weights or as increments that are added to the base's. How it is added
 * is the release's for the base's family, at a scale of 1: the authors advise 1 for dense conditions and 0.35 for edges.
 * @param name the folder, or the module's file in it
 * @throws BaseModelError invalid-control naming what is missing or does not fit the base
 */
export function openReleasedControlNeXt(name: string, base: Base): { control: Control; weights: Weights } {
  const { module: file, unet } = open(name);
  const names = inUNet(unet, base);
  const made = controlNeXt({ legacy: isLegacy(file) }).create(base.denoiser().target);
  let own: Weights;
  try {
    own = externalStateDict(made.module, file);
  } catch (cause) {
    if (!(cause instanceof CoreBlocksError)) throw cause;
    const message = `The ControlNeXt ${file.file} was made for another base than ${base.label}.\n${cause.message}`;
    throw new BaseModelError('invalid-control', message, { file: file.file }, { cause });
  }
  const module = Object.fromEntries(Object.entries(own).map(([key, tensor]) => [`control.${key}`, tensor]));
  return {
    control: { ...made, trainsInBase: exactly(names.keys()) },
    weights: { ...module, ...tunedWeights(unet, names, base) },
  };
}
