import { readConstant, type Weights } from '@controllab/core-blocks';
import type { ConstantTensor, HostTensor } from '@controllab/tfjs-onnx';
import { BaseModelError } from '../errors.ts';
import { openLora, type LoraFile, type LoraTensors } from './lora-file.ts';
import { loraNames } from './lora-names.ts';

/** A LoRA and what it is multiplied by. */
export interface LoraRequest {
  /** Its file, or the folder that peft or diffusers saved it in. */
  readonly file: string;
  /** Any number, negative too; 1 is as it was trained. */
  readonly weight: number;
}

/** The update of one weight, not read yet. */
interface Update {
  readonly lora: LoraFile;
  readonly layer: string;
  readonly tensors: Required<Pick<LoraTensors, 'down' | 'up'>> & LoraTensors;
  readonly weight: number;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** How many names a message has. */
const NAMED = 6;
/** Rows of the factors that are added at once: the sums stay in registers. */
const ROWS = 4;

/** Updates by the weight that they change. @throws BaseModelError invalid-lora naming every layer that the base does not have */
function updatesOf(names: ReadonlyMap<string, string>, { file, weight }: LoraRequest): [name: string, update: Update][] {
  if (!Number.isFinite(weight))
    throw new BaseModelError('invalid-lora', `${file}: expected a number for its weight, got ${weight}.`, { file, weight });
  const lora = openLora(file);
  const problems: string[] = [];
  const found: [string, Update][] = [];
  for (const [layer, tensors] of lora.layers) {
    const name = names.get(layer);
    const { down, up } = tensors;
    if (name === undefined) problems.push(`the base has no layer ${layer}`);
    else if (down === undefined || up === undefined) problems.push(`${layer} lacks its ${down === undefined ? 'down' : 'up'} half`);
    else found.push([name, { lora, layer, tensors: { ...tensors, down, up }, weight }]);
  }
  if (problems.length === 0) return found;
  const more = problems.length > NAMED ? [`and ${problems.length - NAMED} more`] : [];
  throw new BaseModelError(
    'invalid-lora',
    `${file} does not fit the base (is it for another architecture?): ${problems.length} of ${lora.layers.size} layers do not\n  ${[...problems.slice(0, NAMED), ...more].join('\n  ')}`,
    { file, problems },
  );
}

const floats = (lora: LoraFile, name: string): HostTensor & { data: Float32Array } => {
  const tensor = lora.tensors.tensor(name);
  return { data: Float32Array.from(tensor.data), shape: tensor.shape };
};

/** `alpha / rank`, where alpha is the rank unless the file says another. */
function scaleOf({ lora, layer, tensors: { alpha }, weight }: Update, rank: number): number {
  if (alpha === undefined) return weight * (lora.scale(layer, rank) ?? 1);
  const { data, shape } = lora.tensors.tensor(alpha);
  if (sizeOf(shape) !== 1 || !Number.isFinite(data[0]))
    throw new BaseModelError('invalid-lora', `${lora.tensors.file}: ${alpha} must be one number, is [${shape.join(', ')}].`, {
      tensor: alpha,
    });
  return (weight * data[0]!) / rank;
}

/**
 * A convolution's down half [R, I, 1, 1] behind its middle one [R', R, h, w] as one [R', I, h, w]: a LoCon is a LoRA of rank R' with that.
 */
function throughMiddle(mid: HostTensor, down: HostTensor): HostTensor {
  const [outer, inner, ...kernel] = mid.shape as [number, number, ...number[]];
  const [inputs, taps] = [down.shape[1]!, sizeOf(kernel)];
  const data = new Float32Array(outer * inputs * taps);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inputs; i++)
      for (let k = 0; k < taps; k++) {
        let sum = 0;
        for (let r = 0; r < inner; r++) sum += mid.data[(o * inner + r) * taps + k]! * down.data[r * inputs + i]!;
        data[(o * inputs + i) * taps + k] = sum;
      }
  return { data, shape: [outer, inputs, ...kernel] };
}

/** Both halves as matrices [O, R] and [R, I h w] of a weight [O, I, h, w]. @throws BaseModelError invalid-lora for other shapes */
function factors(
  update: Update,
  name: string,
  shape: readonly number[],
): { up: Float32Array; down: Float32Array; rank: number; scale: number } {
  const { lora, layer, tensors } = update;
  const [up, first] = [floats(lora, tensors.up), floats(lora, tensors.down)];
  const mid = tensors.mid === undefined ? null : floats(lora, tensors.mid);
  const [rank, outputs, columns] = [up.shape[1] ?? 0, shape[0]!, sizeOf(shape.slice(1))];
  const plain = (t: HostTensor): boolean => t.shape.length >= 2 && sizeOf(t.shape.slice(2)) === 1;
  const splits = mid === null || (mid.shape.length === 4 && mid.shape[0] === rank && mid.shape[1] === first.shape[0] && plain(first));
  const down = mid === null || !splits ? first : throughMiddle(mid, first);
  const fits = splits && plain(up) && up.shape[0] === outputs && down.shape[0] === rank && sizeOf(down.shape) === rank * columns;
  const columnsFit = down.shape[1] === shape[1];
  if (!fits || !columnsFit || rank === 0) {
    const shapes = [tensors.down, tensors.mid, tensors.up].flatMap((tensor) =>
      tensor === undefined ? [] : [`${tensor} [${lora.tensors.header.get(tensor)!.shape.join(', ')}]`],
    );
    throw new BaseModelError(
      'invalid-lora',
      `${lora.tensors.file}: ${layer} does not fit the base, whose ${name} is [${shape.join(', ')}]: ${shapes.join(', ')}. It was made for another one.`,
      { layer, shape },
    );
  }
  // A LoCon's rank is that of the half that alpha was divided by in training: the first.
  return { up: up.data, down: down.data as Float32Array, rank, scale: scaleOf(update, first.shape[0]!) };
}

/** Adds `scale up down` [O, I] to a matrix in place: sums in double precision, rounded once. */
function addProduct(out: Float64Array, { up, down, rank, scale }: ReturnType<typeof factors>, rows: number): void {
  const columns = out.length / rows;
  for (let o = 0; o < rows; o++) {
    const row = out.subarray(o * columns, (o + 1) * columns);
    const factor = (r: number): number => (r < rank ? scale * up[o * rank + r]! : 0);
    for (let r = 0; r < rank; r += ROWS) {
      const [a, b, c, d] = [factor(r), factor(r + 1), factor(r + 2), factor(r + 3)];
      // Beyond the last row the factor is zero: any row will do.
      const at = (k: number): number => Math.min(r + k, rank - 1) * columns;
      const [da, db, dc, dd] = [at(0), at(1), at(2), at(3)];
      for (let i = 0; i < columns; i++) row[i]! += a * down[da + i]! + b * down[db + i]! + c * down[dc + i]! + d * down[dd + i]!;
    }
  }
}

function updated(name: string, weight: ConstantTensor, updates: readonly Update[]): HostTensor {
  const { data, shape } = readConstant(weight);
  const sum = Float64Array.from(data);
  for (const update of updates) addProduct(sum, factors(update, name, shape), shape[0]!);
  return { data: Float32Array.from(sum), shape };
}

/** @throws BaseModelError invalid-lora for a weight that is of another shape than the base's, which the LoRA was made for */
function checkShape(name: string, found: readonly number[], expected: readonly number[], { lora, layer }: Update): void {
  if (found.join() === expected.join()) return;
  throw new BaseModelError(
    'invalid-lora',
    `${lora.tensors.file} changes ${name}, and a control brings it as [${found.join(', ')}] in place of the base's [${expected.join(', ')}]: the two do not go together.`,
    { file: lora.tensors.file, layer, name },
  );
}

/**
 * LoRAs for a base, as a function that adds them to weights of its names: the base's own, or some that were tuned from those. For linear
 * layers and convolutions of the U-Net and of the text encoders, W + weight (alpha / rank) B A ("LoRA", Hu et al. 2021, section 4.1), in
 * kohya's, diffusers' or peft's names. Weights that none names stay what they are.
 * @param base its weights, as of a `Base`: `unet.`, `text.`
 * @param keep where an updated weight is kept; it stays on the host by default
 * @throws BaseModelError invalid-lora naming the layers and tensors that do not fit, and adapters of another kind (LoHa, LoKr, DoRA)
 */
export function loraUpdates(
  base: Weights,
  loras: readonly LoraRequest[],
  keep: (tensor: HostTensor) => ConstantTensor = (tensor) => tensor,
): (weights: Weights) => Weights {
  const names = loraNames(base);
  const updates = new Map<string, Update[]>();
  for (const [name, update] of loras.flatMap((lora) => updatesOf(names, lora))) updates.set(name, [...(updates.get(name) ?? []), update]);
  return (weights) => {
    const changed = [...updates].filter(([name]) => Object.hasOwn(weights, name));
    const merged = changed.map(([name, list]) => {
      checkShape(name, weights[name]!.shape, base[name]!.shape, list[0]!);
      return [name, keep(updated(name, weights[name]!, list))] as const;
    });
    return { ...weights, ...Object.fromEntries(merged) };
  };
}

/** A base's weights with LoRAs added, see {@link loraUpdates}. */
export const mergeLoras = (weights: Weights, loras: readonly LoraRequest[]): Weights => loraUpdates(weights, loras)(weights);
