import type { ConstantTensor, HostTensor } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from '../errors.ts';
import { Module, parameterSpecs, type Modules } from '../module.ts';
import type { TensorSource } from './tensor-source.ts';

/** Buffers of published checkpoints that are not parameters. */
const IGNORED = /(^|\.)position_ids$/;

/** Names that diffusers gave a VAE's attention before 0.17; published autoencoders still carry them. */
const FORMER_NAMES: readonly (readonly [RegExp, string])[] = [
  [/\.to_q\.(weight|bias)$/, '.query.$1'],
  [/\.to_k\.(weight|bias)$/, '.key.$1'],
  [/\.to_v\.(weight|bias)$/, '.value.$1'],
  [/\.to_out\.0\.(weight|bias)$/, '.proj_attn.$1'],
];

/** How many tensors of each kind a message names. */
const NAMED = 6;

/**
 * The parameters of `modules` from a file or a dictionary, by name. Where modules have prefixes, names under no prefix are
 * somebody else's and left alone; a module without prefix owns the whole source.
 * @throws CoreBlocksError state-dict-mismatch, one error that counts the missing, unexpected and mis-shaped tensors and names the first of
 *   each; `values.problems` names all.
 */
export function loadStateDict(modules: Modules, source: TensorSource | Record<string, HostTensor>): Record<string, HostTensor> {
  if (isSource(source))
    return Object.fromEntries(
      match(modules, source).map(({ name, sourceName, shape }) => [name, { data: source.tensor(sourceName).data, shape }]),
    );
  const header = new Map(Object.entries(source));
  return Object.fromEntries(
    match(modules, { header }).map(({ name, sourceName, shape }) => [name, { data: header.get(sourceName)!.data, shape }]),
  );
}

/** Like {@link loadStateDict}, but the tensors stay in the file: constants for a compiled function that uses them in place. */
export function externalStateDict(modules: Modules, source: TensorSource): Record<string, ConstantTensor> {
  return Object.fromEntries(match(modules, source).map(({ name, sourceName, shape }) => [name, { ...source.external(sourceName), shape }]));
}

const isSource = (source: object): source is TensorSource => 'header' in source && source.header instanceof Map;

/** A 1x1 convolution and a linear layer hold the same numbers; published files have the one where a model has the other. */
const sameNumbers = (a: readonly number[], b: readonly number[]): boolean =>
  a.join() === b.join() || [...a, 1, 1].join() === b.join() || a.join() === [...b, 1, 1].join();

function match(
  modules: Modules,
  { file, header, nameInFile = (name) => name }: Pick<TensorSource, 'header' | 'nameInFile'> & { file?: string },
): { name: string; sourceName: string; shape: readonly number[] }[] {
  const missing: string[] = [];
  const misshapen: string[] = [];
  const used = new Set<string>();
  const matched = Object.entries(parameterSpecs(modules)).flatMap(([name, { shape }]) => {
    const sourceName = header.has(name)
      ? name
      : FORMER_NAMES.map(([now, then]) => name.replace(now, then)).find((former) => former !== name && header.has(former));
    if (sourceName === undefined) {
      const there = nameInFile(name);
      missing.push(`missing ${name}${there === name ? '' : ` (${there})`} [${shape.join(', ')}]`);
      return [];
    }
    used.add(sourceName);
    const found = header.get(sourceName)!.shape;
    if (!sameNumbers(found, shape))
      misshapen.push(`${nameInFile(sourceName)}: expected [${shape.join(', ')}], found [${found.join(', ')}]`);
    return [{ name, sourceName, shape }];
  });
  const prefixes = modules instanceof Module ? [''] : Object.keys(modules);
  const owned = (name: string): boolean => prefixes.some((prefix) => prefix === '' || name.startsWith(`${prefix}.`));
  const unexpected = [...header.keys()]
    .filter((name) => owned(name) && !used.has(name) && !IGNORED.test(name))
    .map((name) => `unexpected ${name}`);

  const kinds = [
    ['missing', missing],
    ['of another shape', misshapen],
    ['unexpected', unexpected],
  ] as const;
  const problems = kinds.flatMap(([, list]) => list);
  if (problems.length === 0) return matched;
  const counts = kinds
    .filter(([, list]) => list.length)
    .map(([kind, list]) => `${list.length} ${kind}`)
    .join(', ');
  const lines = kinds.flatMap(([kind, list]) =>
    list.length > NAMED ? [...list.slice(0, NAMED), `and ${list.length - NAMED} more ${kind}`] : list,
  );
  throw new CoreBlocksError(
    'state-dict-mismatch',
    `${file ?? 'the state dict'} does not fit the model: ${counts}\n  ${lines.join('\n  ')}`,
    { file, problems },
  );
}
