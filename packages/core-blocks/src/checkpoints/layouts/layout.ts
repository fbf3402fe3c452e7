import type { ConstantTensor, HostTensor } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from '../../errors.ts';
import { parameterSpecs, type Module } from '../../module.ts';
import type { TensorSource } from '../tensor-source.ts';

/**
 * How another layout stores a parameter: under this name; as the i-th of n equal parts of it along the first dimension; as a transposed
 * matrix.
 */
export interface Stored {
  name: string;
  part?: readonly [i: number, n: number];
  transposed?: true;
}

/** How a checkpoint of another origin stores a module. */
export interface Layout {
  /** In front of every name of the module's. */
  prefix: string;
  /** Where a parameter is. */
  stored(parameter: string): Stored;
  /** Names under the prefix that belong to no parameter. */
  ignored?(name: string): boolean;
}

/**
 * A file of another layout under a module's own parameter names. Nothing is read: parts and reshaped tensors stay where they are,
 * only a transposed one has to be brought into memory when it is asked for. What the layout does not know keeps its name, for the loader to
 * report.
 * @throws CoreBlocksError tensor-not-found when the file has nothing under the prefix.
 */
export function inLayout(source: TensorSource, module: Module, { prefix, stored, ignored }: Layout): TensorSource {
  const within = [...source.header.keys()].filter((name) => name.startsWith(prefix));
  if (within.length === 0) {
    const first = [...source.header.keys()].slice(0, 3).join(', ');
    const there = first ? `its names begin with ${first}` : 'it has none at all';
    throw new CoreBlocksError('tensor-not-found', `${source.file} has no tensors named ${prefix}*; ${there}`, {
      file: source.file,
      prefix,
    });
  }
  const places = new Map(Object.keys(parameterSpecs(module)).map((name) => [name, stored(name)]));
  const nameInFile = (name: string): string => {
    const place = places.get(name);
    return place ? prefix + place.name : name;
  };
  const header = new Map<string, { shape: readonly number[] }>();
  for (const [name, place] of places) {
    const entry = source.header.get(prefix + place.name);
    if (entry) header.set(name, { shape: shapeOf(entry.shape, place) });
  }
  const used = new Set([...places.values()].map((place) => prefix + place.name));
  for (const name of within) if (!used.has(name) && !ignored?.(name.slice(prefix.length))) header.set(name, source.header.get(name)!);

  return {
    file: source.file,
    header,
    nameInFile,
    tensor: (name) => {
      const place = places.get(name);
      return place ? take(source.tensor(nameInFile(name)), place) : source.tensor(name);
    },
    external: (name) => {
      const place = places.get(name);
      if (!place) return source.external(name);
      return place.transposed ? take(source.tensor(nameInFile(name)), place) : take(source.external(nameInFile(name)), place);
    },
  };
}

function shapeOf(shape: readonly number[], { part, transposed }: Stored): readonly number[] {
  if (transposed) return shape.toReversed();
  return part ? [(shape[0] ?? 0) / part[1], ...shape.slice(1)] : shape;
}

function take<T extends ConstantTensor>(tensor: T, place: Stored): T;
function take(tensor: ConstantTensor, place: Stored): ConstantTensor {
  const { part, transposed } = place;
  const shape = shapeOf(tensor.shape, place);
  if ('file' in tensor) {
    if (!part) return { ...tensor, shape };
    const length = tensor.length / part[1];
    return { ...tensor, offset: tensor.offset + part[0] * length, length, shape };
  }
  if (transposed) return transpose(tensor);
  if (!part) return tensor;
  const length = tensor.data.length / part[1];
  return { data: tensor.data.subarray(part[0] * length, (part[0] + 1) * length), shape };
}

function transpose({ data, shape }: HostTensor): HostTensor {
  const [rows, columns] = shape as [number, number];
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c]!;
  return { data: out, shape: [columns, rows] };
}
