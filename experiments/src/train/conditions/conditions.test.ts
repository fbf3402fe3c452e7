import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openDataset, type RgbImage } from '@controllab/data';
import { fill50k } from '@controllab/fill50k';
import { saveOnnx } from '@controllab/tfjs-onnx';
import { commandExtractor } from './command-extractor.ts';
import { commandWords } from './command-words.ts';
import { COMPUTED, computeConditions } from './computed.ts';
import type { Extractor } from './extractor.ts';
import { modelExtractor } from './model-extractor.ts';

let root: string;
const at = (...names: string[]): string => path.join(root, ...names);
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'conditions-'))));
afterAll(() => rmSync(root, { recursive: true }));

const image: RgbImage = { rgb: Uint8Array.from({ length: 3 * 8 * 4 }, (_, i) => (i * 7) % 256), width: 8, height: 4 };
const words = (...list: string[]): string => JSON.stringify(list);

describe('a command', () => {
  it('is words between spaces or a JSON array, which no shell reads', () => {
    expect(commandWords('  ./edges.sh --low 3 {in}  {out} ')).toEqual(['./edges.sh', '--low', '3', '{in}', '{out}']);
    expect(commandWords('["my program", "{in}", "--to={out}"]')).toEqual(['my program', '{in}', '--to={out}']);
    expect(() => commandWords('edges "{in}" {out}')).toThrow(/no shell reads it; write words .* as a JSON array/);
    expect(() => commandWords('edges {in} > {out}')).toThrow(/no shell reads it/);
    expect(() => commandWords('edges {in}')).toThrow(/\{out\} is missing/);
    expect(() => commandWords('["edges", 3]')).toThrow(/a JSON array of texts/);
    expect(() => commandWords('["edges"')).toThrow(/is no JSON array/);
  });

  it('gets the picture and gives its condition; what a shell would do is not done', async () => {
    const command = await commandExtractor(
      words('node', '-e', "require('fs').copyFileSync(process.argv[1], process.argv[2])", '{in}', '{out}', '$(touch x); `y`'),
    );
    const copied = await command.extract(image);
    expect({ ...copied, rgb: new Uint8Array(copied.rgb) }).toEqual(image);
    await command.release();
  });

  it.each([
    [['false', '{in}', '{out}'], /it ended with 1: it says nothing/],
    [['node', '-e', 'console.error("no edges today"); process.exit(3)', '{in}', '{out}'], /it ended with 3: no edges today/],
    [['true', '{in}', '{out}'], /it wrote nothing to \{out\}/],
    [['no-such-program', '{in}', '{out}'], /cannot be started \(ENOENT\)/],
    [['node', '-e', "require('fs').writeFileSync(process.argv[2], 'text')", '{in}', '{out}'], /what it wrote to \{out\} cannot be decoded/],
    [['node', '-e', "require('fs').writeFileSync(process.argv[2], 'P5 1 1 255 x')", '{in}', '{out}'], /made 1 x 1 pixels of 8 x 4/],
  ])('that fails is told by what it did: %j', async (list, message) => {
    const command = await commandExtractor(words(...list));
    await expect(command.extract(image)).rejects.toThrow(message);
    await command.release();
  });

  it('is another one when a script among its words is', async () => {
    const identity = async (text: string) => {
      writeFileSync(at('edges.sh'), text);
      const { identity: own, release } = await commandExtractor(words(at('edges.sh'), '{in}', '{out}'));
      await release();
      return JSON.stringify(own);
    };
    const first = await identity('one');
    expect(await identity('two')).not.toBe(first);
    expect(await identity('one')).toBe(first);
  });

  it('leaves no folder behind when a signal ends its process', async () => {
    mkdirSync(at('tmp'));
    const script = `import { commandExtractor } from ${JSON.stringify(new URL('command-extractor.ts', import.meta.url).href)};
      import { readdirSync } from 'node:fs';
      await commandExtractor('true {in} {out}');
      console.log(readdirSync(${JSON.stringify(at('tmp'))}).filter((name) => name.includes('condition-')).length);
      setInterval(() => {}, 1000);`;
    const argv = ['--conditions=controllab', '--import', 'tsx', '--input-type=module', '-e', script];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TMPDIR: at('tmp') } });
    const ended = once(child, 'exit');
    expect(String((await once(child.stdout, 'data'))[0])).toBe('1\n');
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(readdirSync(at('tmp')).filter((name) => name.includes('condition-'))).toEqual([]);
  });

  // A file that is there and cannot be read, whoever one is.
  it.runIf(existsSync('/proc/self/mem'))('makes no folder where one of its files cannot be read', async () => {
    mkdirSync(at('none'));
    vi.stubEnv('TMPDIR', at('none'));
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(commandExtractor(words('true', '{in}', '{out}', '/proc/self/mem'))).rejects.toMatchObject({ code: 'EIO' });
    expect(readdirSync(at('none'))).toEqual([]);
  });
});

describe('an ONNX model', () => {
  const saved = (name: string, shape: readonly number[], make: (x: tf.Tensor) => tf.Tensor): string => {
    const inputs = { picture: { shape } };
    saveOnnx(({ inputs: t }) => ({ outputs: { made: make(t['picture']!) } }), { inputs }, at(name));
    return at(name);
  };

  it('gives what it computes of the picture, by its own names, from 0 to 1', async () => {
    const model = await modelExtractor(
      saved('negative.onnx', [1, 3, 4, 8], (x) => tf.sub(1, x)),
      { threads: 1 },
    );
    expect((await model.extract(image)).rgb).toEqual(image.rgb.map((value) => 255 - value));
    await model.release();
  });

  it('of a fixed size gets the picture at that size, and its condition has the picture’s', async () => {
    const model = await modelExtractor(
      saved('half.onnx', [1, 3, 2, 4], (x) => tf.mul(x, 2)),
      { threads: 1 },
    );
    const grey = { ...image, rgb: new Uint8Array(image.rgb.length).fill(51) };
    expect(await model.extract(grey)).toEqual({ ...grey, rgb: grey.rgb.map(() => 102) });
    await model.release();
  });

  it.each<[string, readonly number[], (x: tf.Tensor) => tf.Tensor, RegExp]>([
    [
      'depth.onnx',
      [1, 3, 4, 8],
      (x) => tf.mean(x, 1, true),
      /it gives out made: float32 \[1, 1, 4, 8\], where a picture of three channels/,
    ],
    ['grey.onnx', [1, 1, 4, 8], (x) => tf.add(x, 1), /it takes picture: float32 \[1, 1, 4, 8\], where a picture/],
    ['flat.onnx', [3, 8], (x) => tf.add(x, 1), /it takes picture: float32 \[3, 8\]/],
    ['batch.onnx', [2, 3, 4, 8], (x) => tf.add(x, 1), /it takes picture: float32 \[2, 3, 4, 8\]/],
  ])('of anything else is refused by name: %s', async (name, shape, make, message) => {
    await expect(modelExtractor(saved(name, shape, make), {})).rejects.toThrow(message);
  });

  it('that is none is refused', async () => {
    writeFileSync(at('no.onnx'), 'no model');
    await expect(modelExtractor(at('no.onnx'), {})).rejects.toThrow(/no\.onnx: cannot be opened/);
  });
});

describe('computed conditions', () => {
  const counted = (extract: Extractor['extract'] = async (one) => one): Extractor & { calls: number } => ({
    label: 'counted',
    identity: { counted: true },
    calls: 0,
    async extract(one) {
      this.calls++;
      return extract(one);
    },
    release: async () => {},
  });

  it('are made once of each picture, again where one is damaged, and read by a worker', async () => {
    const dataset = fill50k({ size: 16, length: 4 });
    const place = { store: at('store'), say: () => {} };
    const extractor = counted(async ({ rgb, ...size }) => ({ rgb: rgb.map((value) => 255 - value), ...size }));
    const first = await computeConditions(dataset, 3, extractor, place);
    expect(extractor.calls).toBe(3);
    const folder = at('store', 'conditions', readdirSync(at('store', 'conditions'))[0]!);
    const [file] = readdirSync(folder);
    writeFileSync(path.join(folder, file!), readFileSync(path.join(folder, file!)).subarray(0, 30));
    const second = await computeConditions(dataset, 4, extractor, place);
    expect(extractor.calls).toBe(5);
    expect(first.hash).not.toBe(second.hash);
    expect((await computeConditions(dataset, 3, extractor, place)).hash).toBe(first.hash);
    const again = await openDataset(JSON.parse(JSON.stringify(second.reference)) as typeof second.reference);
    const [example, own] = [await again.example(3), await dataset.example(3)];
    expect(new Uint8Array(example.condition(COMPUTED).rgb)).toEqual(own.image.rgb.map((value) => 255 - value));
    expect(example.condition('source')).toEqual(own.condition('source'));
    expect(again.hash).toBe(second.hash);
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    await expect(again.example(3)).rejects.toThrow(/the condition of example 3 is gone or damaged/);
  });

  it('are others where a program makes others the next time, whatever it is called', async () => {
    const dataset = fill50k({ size: 16, length: 1 });
    const hashOf = async (value: number): Promise<string> => {
      const extractor = counted(async ({ rgb, ...size }) => ({ rgb: rgb.map(() => value), ...size }));
      return (await computeConditions(dataset, 1, extractor, { store: at(`store-${value}`), say: () => {} })).hash;
    };
    expect(await hashOf(1)).not.toBe(await hashOf(2));
  });
});
