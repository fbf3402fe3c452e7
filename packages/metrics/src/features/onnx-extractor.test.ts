import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveOnnx, type NamedTensors } from '@controllab/tfjs-onnx';
import { ONNX_INPUTS, onnxExtractor, onnxPreprocess, type OnnxInput } from './onnx-extractor.ts';

const input: OnnxInput = { name: 'tiny', size: 2, mean: [0.5, 0, 0], std: [0.5, 1, 2] };
let directory: string;
beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'onnx-'));
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

/** A file of a network that takes two images. Outputs are called `out NAME` there. */
function network(name: string, f: (images: tf.Tensor) => NamedTensors, shape = [2, 3, 2, 2]): string {
  const file = path.join(directory, name);
  saveOnnx(({ inputs }) => ({ outputs: f(inputs['images']!) }), { inputs: { images: { shape } } }, file);
  return file;
}

/** Channels of 0..3, 4..7 and 8..11. */
const one = { data: Float32Array.from({ length: 12 }, (_, i) => i), shape: [1, 3, 2, 2] };

describe('onnxExtractor', () => {
  it('takes features as they are, the mean of maps, the first of tokens', async () => {
    const flat = await onnxExtractor(
      network('flat.onnx', (x) => ({ y: tf.reshape(x, [2, 12]) })),
      { input },
    );
    expect(flat).toMatchObject({
      name: 'flat.onnx',
      dimension: 12,
      batchSize: 2,
      preprocess: { name: 'tiny', size: 2 },
      weightsHash: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
    });
    expect([...(await flat.run(one))]).toEqual([...one.data]);
    const maps = await onnxExtractor(
      network('maps.onnx', (x) => ({ y: tf.add(x, 1) })),
      { input },
    );
    expect([...(await maps.run(one))]).toEqual([2.5, 6.5, 10.5]);
    const tokens = await onnxExtractor(
      network('tokens.onnx', (x) => ({ y: tf.add(tf.reshape(x, [2, 3, 4]), 1) })),
      { input },
    );
    expect([
      ...(await tokens.run({ data: Float32Array.from([...one.data, ...one.data.map((v) => v + 20)]), shape: [2, 3, 2, 2] })),
    ]).toEqual([1, 2, 3, 4, 21, 22, 23, 24]);
    for (const extractor of [flat, maps, tokens]) await extractor.release();
  });

  it('asks which of several outputs, by name, and puts it into its own name', async () => {
    const file = network('two.onnx', (x) => ({ a: tf.reshape(x, [2, 12]), b: tf.mean(x, [2, 3]) }));
    await expect(onnxExtractor(file, { input })).rejects.toThrow(
      /two\.onnx has the outputs out a, out b; say which one holds the features/,
    );
    await expect(onnxExtractor(file, { input, output: 'c' })).rejects.toThrow(/there is no "c"/);
    const extractor = await onnxExtractor(file, { input, output: 'out b' });
    expect(extractor).toMatchObject({ name: 'two.onnx out b', dimension: 3 });
    await extractor.release();
  });

  it('hashes weights that lie beside the file', async () => {
    const file = network('apart.onnx', (x) => ({ y: tf.mean(x, [2, 3]) }));
    const hashOf = async () => {
      const { weightsHash, release } = await onnxExtractor(file, { input });
      await release();
      return weightsHash;
    };
    const before = await hashOf();
    fs.writeFileSync(`${file}_data`, 'weights');
    expect(await hashOf()).toMatch(new RegExp(`^${before}\\+[0-9a-f]{64}$`));
  });

  it('refuses files that are no such network', async () => {
    const text = path.join(directory, 'text.onnx');
    fs.writeFileSync(text, 'no network');
    await expect(onnxExtractor(text, { input })).rejects.toThrow(/text\.onnx cannot be run as an ONNX network/);
    await expect(onnxExtractor('nowhere.onnx', { input })).rejects.toThrow(/cannot read nowhere\.onnx/);
    await expect(
      onnxExtractor(
        network('vector.onnx', (x) => ({ y: x }), [2, 3]),
        { input },
      ),
    ).rejects.toThrow(/does not take one float32 tensor of images \[N, 3, S, S\]: its inputs are images float32 \[2, 3\]/);
    await expect(
      onnxExtractor(
        network('other.onnx', (x) => ({ y: x }), [2, 3, 4, 4]),
        { input },
      ),
    ).rejects.toThrow('takes images [2, 3, 4, 4], the input "tiny" gives [N, 3, 2, 2]');
    await expect(
      onnxExtractor(
        network('scalar.onnx', (x) => ({ y: tf.mean(x) })),
        { input },
      ),
    ).rejects.toThrow(/gives out y as float32 \[\], expected float32 \[N, D\], \[N, T, D\] or \[N, D, H, W\]/);
  });
});

describe('onnxPreprocess', () => {
  it('stretches to a square and normalises by channel', () => {
    const image = { rgb: Uint8Array.of(0, 51, 102, 255, 51, 102), width: 1, height: 2 };
    const got = onnxPreprocess({ ...input, size: 1 }).apply(image);
    [(127.5 / 255 - 0.5) / 0.5, 0.2, 0.2].forEach((want, c) => expect(got[c]).toBeCloseTo(want, 2)); // the mean is rounded to a byte
    expect(onnxPreprocess(ONNX_INPUTS.dinov2).apply(image)).toHaveLength(3 * 224 * 224);
  });

  it('refuses sizes and deviations that make no sense', () => {
    expect(() => onnxPreprocess({ ...input, size: 0 })).toThrow(/input "tiny": expected a side of at least one pixel/);
    expect(() => onnxPreprocess({ ...input, std: [1, 0, 1] })).toThrow(
      /positive standard deviations, got 2, \[0.5, 0, 0\] and \[1, 0, 1\]/,
    );
  });
});
