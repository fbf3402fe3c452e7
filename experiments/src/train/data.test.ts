import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Base } from '@controllab/base-model';
import { parseFlags } from '@controllab/command-line';
import { firstExamples, type Dataset } from '@controllab/data';
import { writeFiles } from '@controllab/data/testing/user-formats';
import { fill50k, writeFill50k } from '@controllab/fill50k';
import { openMini } from '@controllab/mini-sd';
import { encodePng } from '@controllab/report';
import { Store } from '../runner/store.ts';
import { encodedPictures, type Workplace } from '../runner/workplace.ts';
import { openData, type TrainData } from './data.ts';
import { trainFlags, type TrainFlags } from './flags.ts';
import { problemTeller } from './problems.ts';
import { trainSettings } from './settings.ts';

let root: string;
const base = openMini();
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'train-data-'))));
afterAll(() => rmSync(root, { recursive: true }));

function opened(argv: readonly string[], say: (message: string) => void = () => {}): Promise<TrainData> {
  const command = trainFlags();
  parseFlags(command, ['--out=y', ...argv]);
  return openData(trainSettings(command.opts<TrainFlags>()), base, { store: path.join(root, 'store'), say });
}

describe('rows that turn out to be bad while they are encoded', () => {
  it('are said once, and by a run that finds their latents there, too', async () => {
    const [store, said] = [new Store(path.join(root, 'latents'), { commit: null, say: () => {} }), [] as string[]];
    const at = { store, engine: {}, numerics: {}, say: () => {} } as unknown as Workplace;
    const encode = async (images: readonly unknown[]) => ({ data: new Float32Array(images.length), shape: [images.length, 1, 1, 1] });
    const encoder = { hashes: { vae: 'x' }, encode } as unknown as Base;
    /** Data of which every row from the second on is found to be bad when it is read. */
    const data = (hash: string, length: number) => {
      const problems: string[] = [];
      const dataset = fill50k({ size: 16, length });
      const example: Dataset['example'] = (i) => (i > 0 && problems.push(`row ${i}: torn`), dataset.example(0));
      return { dataset: { ...dataset, hash, example }, examples: length, problems: () => problems };
    };
    const first = await encodedPictures(at, encoder, data('torn', 13));
    const again = data('torn', 13);
    const found = await encodedPictures(at, encoder, again);
    expect([again.problems(), found]).toEqual([[], first]);
    const tell = problemTeller((message) => said.push(message));
    tell(['row 1: torn']);
    tell([...found.passedOver, ...found.passedOver]);
    tell(found.passedOver);
    expect(said).toHaveLength(12);
    expect([said[0], said[1], said.at(-1)]).toEqual(['passed over: row 1: torn', 'passed over: row 2: torn', 'passed over: 1 more row']);
    // Of what is never bad the cell is as it ever was.
    await encodedPictures(at, encoder, data('whole', 1));
    const values = readdirSync(path.join(root, 'latents', 'latents')).map((cell) =>
      readFileSync(path.join(root, 'latents', 'latents', cell, 'value.json'), 'utf8'),
    );
    expect(values.filter((text) => text.includes('{"value":null,'))).toHaveLength(1);
  });
});

describe('data by name', () => {
  it('fill50k is what data write makes of it, whichever way it is read', async () => {
    const folder = path.join(root, 'circles');
    await writeFill50k(folder, { size: 64, length: 5 });
    const [made, read] = [
      await opened(['--data=fill50k', '--control=column', '--max-train-samples=5']),
      await opened([`--data=${folder}`, '--control=column']),
    ];
    expect([made.examples, read.examples]).toEqual([5, 5]);
    expect([made.condition, read.condition]).toEqual(['source', 'column']);
    const theirs = await firstExamples(read.dataset);
    for (const [i, example] of (await firstExamples(made.dataset)).entries()) {
      expect(example.image).toEqual(theirs[i]!.image);
      expect(example.captions['caption']).toBe(theirs[i]!.captions['caption']);
      expect(example.condition(made.condition)).toEqual(theirs[i]!.condition(read.condition));
    }
    await read.close();
  });

  it('is 50,000 circles of the size asked for, and their edges are Canny', async () => {
    const { dataset, examples, condition } = await opened(['--data=fill50k', '--resolution=32']);
    expect([examples, condition, (await dataset.example(49_999)).image.width]).toEqual([50_000, 'canny', 32]);
  });

  it.each([
    [['--data=fill50k', '--image-column=x'], /fill50k is made up as it is read, not read from files: leave --image-column out/],
    [['--data=fill50k', '--data-format=csv'], /leave --data-format out/],
    [['--data=emoji-scenes', '--encoding=latin1'], /leave --encoding out/],
    [['--data=emoji-scenes', '--on-bad-row=skip'], /leave --on-bad-row out/],
    [['--data=fill50k', '--allow-outside'], /leave --allow-outside out/],
    [['--data=fill50k', '--crop=random'], /leave --crop out/],
    [['--data=emoji-scenes', '--captions=none'], /to train without, give --proportion-empty-prompts 1/],
    [['--data=emoji-scenes', '--control=column'], /have no column of conditions/],
    [['--data=emoji-scenes', '--resolution=128'], /are 64 pixels; --resolution is 128/],
  ])('takes no flags that it would not heed: %j', async (argv, message) => {
    await expect(opened(argv)).rejects.toThrow(message);
  });

  it('is read without its conditions where the control is not of them', async () => {
    const picture = await encodePng(new Uint8Array(3 * 16 * 16).fill(90), 16, 16);
    const written = (name: string, files: Record<string, string | Buffer>): string => writeFiles(path.join(root, name), files);
    const sets = [
      // Of several columns nobody has to say which is not meant.
      written('csv', { 'a.png': picture, 'x.csv': 'image,text,condition,control\na.png,one,none.png,none.png\n' }),
      written('folder', { 'a.png': picture, 'a.txt': 'one', 'a.condition.png': 'x', 'b.png': picture, 'b.txt': 'two' }),
    ];
    for (const data of sets) {
      const { dataset, condition, close } = await opened([`--data=${data}`]);
      const [example] = await firstExamples(dataset, 1);
      expect([condition, dataset.conditions, example!.captions['caption']], data).toEqual(['canny', ['canny'], 'one']);
      await close();
      await expect(opened([`--data=${data}`, '--control=column', '--conditioning-image-column=condition']), data).rejects.toThrow();
    }
  });

  it('says that a folder of that name is not meant', async () => {
    mkdirSync(path.join(root, 'fill50k'));
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(root);
    const said: string[] = [];
    try {
      await opened(['--data=fill50k'], (message) => said.push(message));
    } finally {
      cwd.mockRestore();
    }
    expect(said).toEqual(['Warning: fill50k is the data set of that name; for the folder here write --data ./fill50k.']);
  });
});
