import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '@controllab/core-blocks';
import { findPython, madeUpNumbers } from '@controllab/python-peer';
import { InceptionPeer } from '../../bench/inception-peer.ts';
import { madeUpInception } from '../../bench/inception-weights.ts';
import { inceptionExtractor, type InceptionExtractor } from './extractor.ts';
import { readInceptionWeights } from './weights.ts';

const weights = madeUpInception();
let directory: string;
let file: string;
let extractor: InceptionExtractor;
beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'inception-'));
  file = path.join(directory, 'inception.safetensors');
  writeSafetensors(file, { ...weights, 'Mixed_7c.branch_pool.bn.num_batches_tracked': { data: Int32Array.of(7), shape: [] } });
  extractor = await inceptionExtractor(await readInceptionWeights(file), { preset: 'clean', batchSize: 2 });
});
afterAll(async () => {
  await extractor.release();
  fs.rmSync(directory, { recursive: true });
});

/** Of the larger of two vectors' largest value. */
const difference = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  const largest = Math.max(...Array.from(b, Math.abs));
  return Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!))) / largest;
};

describe('inceptionExtractor', () => {
  it('gives an image the same features alone and in a batch', async () => {
    const images = madeUpNumbers('images', [2, 3, 299, 299]);
    const both = await extractor.run(images);
    const second = await extractor.run({ data: images.data.slice(images.data.length / 2), shape: [1, 3, 299, 299] });
    expect([both.length, second.length]).toEqual([4096, 2048]);
    expect(difference(both.subarray(0, 2048), both.subarray(2048))).toBeGreaterThan(1e-3);
    expect(difference(second, both.subarray(2048))).toBeLessThan(1e-6);
  });

  it('refuses batches of another shape', async () => {
    await expect(extractor.run(madeUpNumbers('x', [3, 3, 299, 299]))).rejects.toThrow(
      'inception: expected a batch of [1 to 2, 3, 299, 299], got [3, 3, 299, 299]',
    );
    await expect(extractor.run(madeUpNumbers('x', [1, 3, 8, 8]))).rejects.toMatchObject({ code: 'invalid-shape' });
  });

  it('scores the classes without the bias', async () => {
    const features = new Float32Array(2 * 2048);
    features[2048 + 5] = 1; // the second image's features pick a column of the weights
    const logits = await extractor.logits(features);
    const { data } = weights['fc.weight']!;
    expect([...logits.subarray(0, 1008)].every((x) => x === 0)).toBe(true);
    expect([...logits.subarray(1008)]).toEqual(Array.from({ length: 1008 }, (_, i) => data[i * 2048 + 5]));
  });
});

describe('readInceptionWeights', () => {
  /** Replaces text of the file's header by text of the same length, for the time of `check`. */
  async function patched(from: string, to: string, check: () => Promise<void>): Promise<void> {
    const handle = await fs.promises.open(file, 'r+');
    const header = Buffer.alloc(100_000);
    await handle.read(header, 0, header.length, 0);
    const at = header.indexOf(from);
    expect(at).toBeGreaterThan(0);
    try {
      await handle.write(to, at);
      await check();
    } finally {
      await handle.write(from, at);
      await handle.close();
    }
  }

  it('refuses a file that lacks a tensor, has one too many, or one of another shape, by name', async () => {
    await patched('Mixed_6b.branch1x1.conv.weight', 'Mixed_6z.branch1x1.conv.weight', () =>
      expect(readInceptionWeights(file)).rejects.toThrow(
        /inception\.safetensors does not hold FID's Inception network[^]*missing Mixed_6b\.branch1x1\.conv\.weight \[192, 768, 1, 1\][^]*unexpected Mixed_6z\.branch1x1\.conv\.weight/,
      ),
    );
    await patched('[1008,2048]', '[2048,1008]', () =>
      expect(readInceptionWeights(file)).rejects.toThrow('fc.weight: expected [1008, 2048], found [2048, 1008]'),
    );
    // A counter of a layer that there is not is no counter.
    await patched('Mixed_7c.branch_pool.bn.num_batches_tracked', 'Mixed_7z.branch_pool.bn.num_batches_tracked', () =>
      expect(readInceptionWeights(file)).rejects.toThrow('unexpected Mixed_7z.branch_pool.bn.num_batches_tracked'),
    );
  });

  it('names a file that is not there', async () => {
    await expect(readInceptionWeights('nowhere.safetensors')).rejects.toThrow(/cannot read the weights nowhere\.safetensors: ENOENT/);
  });
});

const { python, reason } = findPython(['torch', 'numpy']);
// Vitest prints the name of a skipped suite: it says what is missing and how to get it.
describe.skipIf(python === null)(`beside PyTorch${python === null ? ` (skipped: ${reason}; apt install python3-torch)` : ''}`, () => {
  let peer: InceptionPeer;
  beforeAll(() => {
    peer = new InceptionPeer(python!);
  });
  afterAll(() => peer.close());

  it('gives the same features', async () => {
    const shape = [1, 3, 299, 299];
    const theirs = await peer.run(shape, 1);
    expect(new Set(theirs.features.map((x) => x.toPrecision(4))).size).toBeGreaterThan(1000);
    expect(difference(await extractor.run(madeUpNumbers('images', shape)), theirs.features)).toBeLessThan(1e-5);
  });

  it('reads what torch.save wrote, and says how to convert its old layout', async () => {
    const saved = path.join(directory, 'inception.pth');
    expect(await peer.save(saved, 'zip')).toBe(566);
    expect((await readInceptionWeights(saved)).hash).toBe(extractor.weightsHash);
    await peer.save(saved, 'legacy');
    await expect(readInceptionWeights(saved)).rejects.toThrow(
      /inception\.pth has PyTorch's legacy layout .*convert it in Python: torch\.save\(torch\.load/,
    );
  });
});
