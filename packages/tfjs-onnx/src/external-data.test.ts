import * as tf from '@tensorflow/tfjs';
import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { compile, saveOnnx, type ExternalTensor, type HostTensor, type Signature, type Traceable } from './index.ts';

await tf.setBackend('cpu');

const temporary = (): string => mkdtempSync(path.join(os.tmpdir(), 'tfjs-onnx-test-'));
const floats = (...values: number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);
const external = (file: string, more: Partial<ExternalTensor> = {}): ExternalTensor => ({
  file,
  offset: 0,
  length: 8,
  shape: [2],
  dtype: 'float32',
  ...more,
});
const x: HostTensor = { data: Float32Array.of(10, 20), shape: [2] };

/** x plus every constant. */
const sum: Traceable = ({ inputs, constants }) => ({
  outputs: { y: Object.values(constants).reduce((a, b) => tf.add(a, b), inputs['x']!) },
});
const signature = (constants: Signature['constants'] = {}): Signature => ({ inputs: { x: { shape: [2] } }, constants });
const run = async (constants: Signature['constants']): Promise<number[]> => [
  ...(await (await compile(sum, signature(constants))).run({ x }))['y']!.data,
];

describe('constants in files', () => {
  it("follows a link that is relative to its own folder, as in Hugging Face's cache", async () => {
    const cache = temporary();
    mkdirSync(path.join(cache, 'blobs'));
    mkdirSync(path.join(cache, 'snapshots', 'main'), { recursive: true });
    writeFileSync(path.join(cache, 'blobs', 'f00d'), floats(1, 2));
    const link = path.join(cache, 'snapshots', 'main', 'model é.safetensors');
    symlinkSync(path.join('..', '..', 'blobs', 'f00d'), link);
    expect(await run({ w: external(link) })).toEqual([11, 22]);
    expect(readdirSync(path.dirname(link)), 'nothing is written beside the file').toEqual(['model é.safetensors']);
  });

  it('takes several files, anywhere', async () => {
    const files = [temporary(), temporary()].map((folder, i) => {
      writeFileSync(path.join(folder, 'w.bin'), floats(i + 1, 0));
      return path.join(folder, 'w.bin');
    });
    expect(await run({ a: external(files[0]!), b: external(path.relative(process.cwd(), files[1]!)) })).toEqual([13, 20]);
  });

  it('widens 16-bit floats', async () => {
    const file = path.join(temporary(), 'half.bin');
    // 1 and -2 in IEEE half precision, then in bfloat16.
    writeFileSync(file, Buffer.from(Uint16Array.of(0x3c00, 0xc000, 0x3f80, 0xc000).buffer));
    expect(await run({ w: external(file, { length: 4, dtype: 'float16' }) })).toEqual([11, 18]);
    expect(await run({ w: external(file, { offset: 4, length: 4, dtype: 'bfloat16' }) })).toEqual([11, 18]);
  });

  it('widens 8-bit floats', async () => {
    const file = path.join(temporary(), 'eighth.bin');
    // 1.5 and -448 in E4M3 without infinities, then 1.5 and -57344 in E5M2.
    writeFileSync(file, Uint8Array.of(0x3c, 0xfe, 0x3e, 0xfb));
    expect(await run({ w: external(file, { length: 2, dtype: 'float8e4m3fn' }) })).toEqual([11.5, -428]);
    expect(await run({ w: external(file, { offset: 2, length: 2, dtype: 'float8e5m2' }) })).toEqual([11.5, -57324]);
  });

  it('names a file that is missing or too short', async () => {
    await expect(run({ w: external('/nowhere/w.bin') })).rejects.toMatchObject({
      code: 'session',
      message: expect.stringMatching(/nowhere\/w\.bin/),
    });
    const file = path.join(temporary(), 'short.bin');
    writeFileSync(file, floats(1));
    await expect(run({ w: external(file) })).rejects.toMatchObject({ code: 'session', message: expect.stringMatching(/initializer: w/) });
  });
});

describe('saveOnnx', () => {
  const load = async (file: string): Promise<number[]> => {
    const session = await ort.InferenceSession.create(file);
    return [...((await session.run({ x: new ort.Tensor('float32', x.data as Float32Array, [2]) }))['out y']!.data as Float32Array)];
  };

  it('refers to weights in or below its folder, so that the folder can be moved', async () => {
    const folder = temporary();
    mkdirSync(path.join(folder, 'weights'));
    const file = path.join(folder, 'weights', 'w.bin');
    writeFileSync(file, floats(1, 2));
    saveOnnx(sum, signature({ w: external(file) }), path.join(folder, 'model.onnx'));
    expect(await load(path.join(folder, 'model.onnx'))).toEqual([11, 22]);
  });

  it('refuses weights elsewhere', () => {
    const file = path.join(temporary(), 'w.bin');
    writeFileSync(file, floats(1, 2));
    expect(() => saveOnnx(sum, signature({ w: external(file) }), path.join(temporary(), 'model.onnx'))).toThrow(
      /constant 'w' lies in .*w\.bin, which is not in or below the model's folder/,
    );
  });

  it('stores host constants inside', async () => {
    const file = path.join(temporary(), 'new', 'model.onnx');
    saveOnnx(sum, signature({ w: { data: Float32Array.of(1, 2), shape: [2] } }), file);
    expect(await load(file)).toEqual([11, 22]);
  });
});
