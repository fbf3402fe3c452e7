import { closeSync, openSync, readSync } from 'node:fs';
import { compile, nn, type ExternalTensor } from '@controllab/tfjs-onnx';

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
const DTYPES: Record<string, ExternalTensor['dtype']> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/** Every tensor of a .safetensors file, as a constant that stays where it is. */
function tensorsOf(file: string): Record<string, ExternalTensor> {
  const descriptor = openSync(file, 'r');
  const read = (length: number, position: number) => {
    const bytes = Buffer.alloc(length);
    readSync(descriptor, bytes, 0, length, position);
    return bytes;
  };
  const headerLength = Number(read(8, 0).readBigUInt64LE());
  const header = JSON.parse(read(headerLength, 8).toString()) as Header;
  closeSync(descriptor);
  const external = ({ dtype, shape, data_offsets: [from, to] }: Header[string]): ExternalTensor => {
    return { file, offset: 8 + headerLength + from, length: to - from, shape, dtype: DTYPES[dtype]! };
  };
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  return Object.fromEntries(names.map((name) => [name, external(header[name]!)]));
}

const weights = tensorsOf(process.argv[2]!);
const layer = await compile(({ inputs, constants }) => ({ outputs: { y: nn.linear(inputs.x!, constants.weight!, constants.bias!) } }), {
  inputs: { x: { shape: [1, 2] } },
  constants: weights,
});
console.log((await layer.run({ x: { data: Float32Array.of(1, 1), shape: [1, 2] } })).y!.data);
