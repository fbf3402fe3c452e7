import type { ExternalTensor, HostTensor } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from './error.ts';
import { Module, parameterSpecs, type Modules } from './module.ts';
import type { SafetensorsFile } from './safetensors.ts';

/** Buffers of published checkpoints that are not parameters. */
const IGNORED = /(^|\.)position_ids$/;

/** Names that diffusers gave a VAE's attention before 0.17; published autoencoders still carry them. */
const FORMER_NAMES: readonly (readonly [RegExp, string])[] = [
  [/\.to_q\.(weight|bias)$/, '.query.$1'],
  [/\.to_k\.(weight|bias)$/, '.key.$1'],
  [/\.to_v\.(weight|bias)$/, '.value.$1'],
  [/\.to_out\.0\.(weight|bias)$/, '.proj_attn.$1'],
];

/**
 * The parameters of `modules` from a file or a dictionary, by name. Where modules have prefixes, names under no prefix are
 * somebody else's and left alone; a module without prefix owns the whole source.
 * @throws CoreBlocksError state-dict-mismatch, one error listing every missing, unexpected and mis-shaped tensor.
 */
export function loadStateDict(modules: Modules, source: SafetensorsFile | Record<string, HostTensor>): Record<string, HostTensor> {
  const shapes = isFile(source) ? shapesOf(source.header) : shapesOf(Object.entries(source));
  return Object.fromEntries(match(modules, shapes).map(({ name, sourceName, shape }) => [name, { data: (isFile(source) ? source.tensor(sourceName) : (source[sourceName] as HostTensor)).data, shape }]));
}

/** Like {@link loadStateDict}, but the tensors stay in the file: constants for a compiled function that uses them in place. */
export function externalStateDict(modules: Modules, file: SafetensorsFile): Record<string, ExternalTensor> {
  return Object.fromEntries(match(modules, shapesOf(file.header)).map(({ name, sourceName, shape }) => [name, { ...file.external(sourceName), shape }]));
}

const isFile = (source: object): source is SafetensorsFile => 'header' in source && source.header instanceof Map;

const shapesOf = (entries: Iterable<[string, { shape: readonly number[] }]>) => new Map([...entries].map(([name, { shape }]) => [name, shape]));

function match(modules: Modules, source: Map<string, readonly number[]>): { name: string; sourceName: string; shape: readonly number[] }[] {
  const problems: string[] = [];
  const used = new Set<string>();
  const matched = Object.entries(parameterSpecs(modules)).flatMap(([name, { shape }]) => {
    const sourceName = source.has(name) ? name : FORMER_NAMES.map(([now, then]) => name.replace(now, then)).find((former) => former !== name && source.has(former));
    const found = sourceName === undefined ? undefined : source.get(sourceName);
    if (sourceName === undefined || !found) {
      problems.push(`missing ${name} [${shape.join(', ')}]`);
      return [];
    }
    used.add(sourceName);
    // The former names belonged to 1x1 convolutions, [C, C, 1, 1]; the same numbers as the linear layer's [C, C].
    const same = found.join() === shape.join() || (sourceName !== name && found.join() === [...shape, 1, 1].join());
    if (!same) problems.push(`${sourceName}: expected [${shape.join(', ')}], found [${found.join(', ')}]`);
    return [{ name, sourceName, shape }];
  });
  const prefixes = modules instanceof Module ? [''] : Object.keys(modules);
  for (const name of source.keys()) {
    const owned = prefixes.some((prefix) => prefix === '' || name.startsWith(`${prefix}.`));
    if (owned && !used.has(name) && !IGNORED.test(name)) problems.push(`unexpected ${name}`);
  }
  if (problems.length) throw new CoreBlocksError('state-dict-mismatch', `the state dict does not fit the model:\n  ${problems.join('\n  ')}`, { problems });
  return matched;
}
