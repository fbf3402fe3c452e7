import { readdirSync } from 'node:fs';
import path from 'node:path';
import { parsePromptWeights, type LoraRequest, type PromptText } from '@controllab/base-model';
import { ExperimentError } from '../../runner/errors.ts';
import type { PromptSyntax } from '../options.ts';

/** A prompt as it was read. */
export interface ReadPrompt {
  /** What the text encoder gets. */
  readonly text: PromptText;
  /** The LoRAs that its tags ask for. */
  readonly loras: readonly LoraRequest[];
}

/** A1111's tags of networks beside the model: `<lora:name:0.8>`. */
const TAG = /<(\w+):([^>]+)>/g;

const fail = (message: string, values: Record<string, unknown>): never => {
  throw new ExperimentError('invalid-option', `generate: ${message}`, values);
};

/** The file of a LoRA's name in a folder, where A1111 finds it: anywhere below, by the name without its extension. */
function loraFile(folder: string, name: string): string {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((entry) => entry.endsWith('.safetensors'));
  const found = entries.filter((entry) => path.basename(entry, '.safetensors') === name);
  if (found.length === 1) return path.join(folder, found[0]!);
  const named = entries.map((entry) => path.basename(entry, '.safetensors')).slice(0, 10);
  return found.length === 0
    ? fail(`<lora:${name}>: --lora-dir ${folder} has no ${name}.safetensors; it has ${named.join(', ') || 'none'}.`, { folder, name })
    : fail(`<lora:${name}>: --lora-dir ${folder} has several: ${found.join(', ')}.`, { folder, name });
}

/** What a tag asks for; null where it is left out, which is said. */
function tagged(tag: string, kind: string, argument: string, loraDir: string | null, warn: (message: string) => void): LoraRequest | null {
  if (kind !== 'lora') {
    warn(`${tag} is left out of the prompt: networks of the kind "${kind}" are not implemented`);
    return null;
  }
  if (loraDir === null) {
    warn(`${tag} is left out of the prompt, and no LoRA is loaded: give --lora-dir FOLDER, or --lora FILE:WEIGHT`);
    return null;
  }
  const [name = '', weight = '1', ...more] = argument.split(':');
  if (more.length > 0 || weight.trim() === '' || !Number.isFinite(Number(weight)))
    fail(`${tag}: expected <lora:NAME:WEIGHT> with one number, for U-Net and text encoder alike.`, { tag });
  return { file: loraFile(loraDir, name), weight: Number(weight) };
}

/**
 * Reads a prompt, or a negative one. In A1111's syntax brackets weigh words and tags name LoRAs; what of it is not done is refused by name,
 * or left out and said: nothing is read as letters that was not meant so.
 * @param options.loraDir where the LoRAs of tags lie
 * @param warn told what is left out
 * @throws ExperimentError invalid-option
 */
export function readPrompt(
  prompt: string,
  { syntax, loraDir }: { syntax: PromptSyntax; loraDir: string | null },
  warn: (message: string) => void,
): ReadPrompt {
  if (syntax === 'plain') return { text: prompt, loras: [] };
  const loras: LoraRequest[] = [];
  const text = prompt.replaceAll(TAG, (tag, kind: string, argument: string) => {
    const lora = tagged(tag, kind, argument, loraDir, warn);
    if (lora !== null) loras.push(lora);
    return '';
  });
  try {
    const parts = parsePromptWeights(text);
    return { text: parts.length === 1 && parts[0]!.weight === 1 ? parts[0]!.text : parts, loras };
  } catch (cause) {
    return fail(`${(cause as Error).message}. Put a backslash before its brackets, or give --prompt-syntax plain.`, { prompt });
  }
}

/** What the words of a prompt weigh that do not weigh 1: "cat 1.3, dog 0.909"; null where none does. */
export function weightsText(text: PromptText): string | null {
  if (typeof text === 'string') return null;
  const weighted = text.filter((part) => part.weight !== 1 && part.text.trim() !== '');
  return weighted.length === 0 ? null : weighted.map((part) => `"${part.text.trim()}" ${Number(part.weight.toFixed(3))}`).join(', ');
}
