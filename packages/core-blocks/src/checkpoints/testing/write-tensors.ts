import fs from 'node:fs';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { writeSafetensors } from '../safetensors/write.ts';

export type FloatDtype = 'F32' | 'F16' | 'BF16';

/** Writes float tensors in any of the dtypes that checkpoints are published in; writeSafetensors itself makes no bfloat16. */
export function writeTensors(file: string, tensors: Record<string, HostTensor>, dtype: FloatDtype): void {
  if (dtype !== 'BF16') return writeSafetensors(file, tensors, { dtype });
  let end = 0;
  const header: Record<string, object> = {};
  const parts: Uint8Array[] = [];
  for (const [name, { data, shape }] of Object.entries(tensors)) {
    const upper = Uint16Array.from(new Uint32Array(data.buffer, data.byteOffset, data.length), (word) => word >>> 16);
    parts.push(new Uint8Array(upper.buffer));
    header[name] = { dtype: 'BF16', shape, data_offsets: [end, (end += upper.byteLength)] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  fs.writeFileSync(file, Buffer.concat([prefix, json, ...parts]));
}

/** The nearest numbers towards zero that F32, F16 and BF16 all hold exactly: bfloat16 ones that no half has to round. */
export function representable(tensors: Record<string, HostTensor>): Record<string, HostTensor> {
  const round = (data: ArrayLike<number>): Float32Array => {
    const values = Float32Array.from(data);
    const words = new Uint32Array(values.buffer);
    for (let i = 0; i < words.length; i++) words[i] = Math.abs(values[i]!) < 2 ** -16 ? 0 : words[i]! & 0xffff0000;
    return values;
  };
  return Object.fromEntries(Object.entries(tensors).map(([name, { data, shape }]) => [name, { data: round(data), shape }]));
}
