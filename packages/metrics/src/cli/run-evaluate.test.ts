import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseFlags } from '@controllab/command-line';
import { writeSafetensors } from '@controllab/core-blocks';
import { canny, decodeImage, type DataError } from '@controllab/data';
import { Progress } from '@controllab/report';
import { madeUpInception } from '../../bench/inception-weights.ts';
import { readStatistics } from '../statistics-files/statistics-file.ts';
import { checkedFlags, evaluateOptions, type EvaluateFlags } from './evaluate-options.ts';
import { runEvaluate } from './run-evaluate.ts';

const evaluateFlags = (flags: readonly string[]) => {
  const command = evaluateOptions();
  return checkedFlags(parseFlags<EvaluateFlags>(command, flags), command);
};

let root: string;
const at = (name: string) => path.join(root, name);
beforeAll(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'run-evaluate-'));
  writeSafetensors(at('fid_inception.safetensors'), madeUpInception());
  for (const [folder, count] of [
    ['generated', 3],
    ['reference', 4],
  ] as const) {
    fs.mkdirSync(at(folder));
    for (let i = 0; i < count; i++) {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><rect width="64" height="48" fill="hsl(${i * 50} 60% 60%)"/><circle cx="${10 + 6 * i}" cy="24" r="${4 + i}" fill="${folder === 'generated' ? 'navy' : 'gold'}"/></svg>`;
      await sharp(Buffer.from(svg))
        .png()
        .toFile(at(`${folder}/${i}.png`));
    }
  }
  await putEdges('generated', 'edges');
});

/** Canny edges of a folder's pictures as maps of the same names. */
async function putEdges(pictures: string, maps: string): Promise<void> {
  fs.mkdirSync(at(maps));
  for (const name of fs.readdirSync(at(pictures)).filter((file) => file.endsWith('.png'))) {
    const { rgb, width, height } = await decodeImage(fs.readFileSync(path.join(at(pictures), name)), name);
    await sharp(canny(rgb, width, height), { raw: { width, height, channels: 1 } })
      .png()
      .toFile(path.join(at(maps), name));
  }
}
afterAll(() => fs.rmSync(root, { recursive: true }));

const run = (...flags: string[]) => {
  let log = '';
  const done = runEvaluate(
    evaluateFlags([`--generated=${at('generated')}`, `--report=${at('report')}`, ...flags]),
    'test',
    new Progress({
      write: (text: string) => {
        log += text;
      },
    }),
  );
  return done.then((page) => ({ page, log }));
};

/** A table of captions for a picture. */
function captionsOf(caption: string): string {
  fs.writeFileSync(at('captions.csv'), `file,caption\n0.png,${caption}\n`);
  return at('captions.csv');
}

interface Results {
  sections: { blocks: { id: string; columns?: { label: string }[]; rows?: { label: string; cells: unknown[] }[] }[] }[];
  provenance: { weightsHash: string };
}
/** The numbers of a table by column. */
function table(id: string): Record<string, unknown> {
  const { sections } = JSON.parse(fs.readFileSync(at('report/results.json'), 'utf8')) as Results;
  const { columns, rows } = sections.flatMap(({ blocks }) => blocks).find((block) => block.id === id)!;
  return Object.fromEntries(columns!.map(({ label }, i) => [label, rows![0]!.cells[i]]));
}

describe('runEvaluate', () => {
  it('goes from images and weights to a report, and from kept statistics to the same distance', async () => {
    const weights = `--weights=${root}`;
    const { page, log } = await run(
      `--reference=${at('reference')}`,
      weights,
      '--metrics=fid,is',
      '--preset=pytorch-fid',
      '--batch=4',
      `--save-reference=${at('kept.safetensors')}`,
    );
    expect(page).toBe(at('report/index.html'));
    expect(fs.readFileSync(page, 'utf8')).toContain('3 generated images against 4 reference images');
    expect(log.split('\n')).toEqual(
      expect.arrayContaining([
        'generated images: 3 of 3',
        'reference images: 4 of 4',
        '3 generated images read',
        '4 reference images read',
        expect.stringMatching(/^FID \(inception, pytorch-fid\): \d/),
      ]) as unknown as string[],
    );
    const distance = table('distance-scores')['FID'] as number;
    expect(distance).toBeGreaterThan(0);
    expect(table('inception-score-scores')['IS']).toBeGreaterThanOrEqual(1);

    expect(readStatistics(at('kept.safetensors'))).toMatchObject({
      n: 4,
      provenance: { network: 'inception', preset: 'pytorch-fid', dtype: 'float32' },
    });
    await run(`--reference=${at('kept.safetensors')}`, weights, '--metrics=fid', '--preset=pytorch-fid', '--batch=8');
    expect((table('distance-scores')['FID'] as number) / distance).toBeCloseTo(1, 4);
  });

  it('holds images against the maps that they were conditioned on', async () => {
    const { log } = await run('--metrics=edges', `--condition=${at('edges')}`);
    expect(log).toMatch(/Edge F1 \(1 px\) \(Canny 100\/200\): 1\.00000 \[1\.000, 1\.000\]/);
    expect((await run('--metrics=edges', `--condition=${at('edges')}`, '--canny=2040,2040')).log).toMatch(
      /Edge F1 \(1 px\) \(Canny 2040\/2040\): 0\.00000 \[/,
    );
    await expect(run('--metrics=edges')).rejects.toThrow('--condition FOLDER');
    await expect(run('--metrics=depth', `--condition=${at('edges')}`)).rejects.toThrow('--predicted FOLDER');
  });

  it('says what is wrong before it loads a network', async () => {
    const reference = `--reference=${at('reference')}`;
    await expect(run(reference, '--preset=cleen')).rejects.toThrow(
      'there is no preset "cleen"; there are pytorch-fid, clean, tf1, torchmetrics',
    );
    await expect(run('--metrics=clip')).rejects.toThrow('clip needs captions');
    await expect(run(reference, '--metrics=aesthetic', '--clip=ViT-Z')).rejects.toThrow('there is no CLIP "ViT-Z"; there are ViT-B/32');
    await expect(run(reference, '--metrics=aesthetic', '--clip=ViT-B/32')).rejects.toThrow(
      '--clip ViT-B/32 needs its weights: --weights clip=FILE.safetensors',
    );
    await expect(run(reference, '--metrics=aesthetic', `--weights=${root}`)).rejects.toThrow(
      /CLIP ViT-L\/14 needs the weights "clip", and clip-vit-large-patch14\.safetensors is not in .*npx nx run metrics:fetch clip/s,
    );
    await expect(run('--metrics=fid')).rejects.toThrow('fid needs a reference');
    await expect(run('--metrics=is', `--report=${at('generated')}`)).rejects.toMatchObject({ code: 'foreign-files' });
    await expect(run(reference, '--metrics=fid', '--network=x.onnx')).rejects.toThrow(
      '--network needs to know its input: --preset dinov2, or --input-size',
    );
    await expect(run(reference, '--metrics=fid', '--network=x.onnx', '--preset=clean')).rejects.toThrow(
      'there is no preset "clean" for an ONNX network; there are dinov2',
    );
    await expect(run(reference, '--metrics=kid', '--save-reference=x')).rejects.toThrow('--save-reference keeps what fid gathers');
    await expect(run('--metrics=is', reference)).rejects.toThrow('none of is looks at a reference');
    const inception = `--weights=inception=${at('fid_inception.safetensors')}`;
    const edges = ['--metrics=edges', `--condition=${at('edges')}`];
    await expect(run(...edges, inception)).rejects.toThrow(
      '--weights inception=... is given in vain: --metrics edges loads none of these weights',
    );
    await expect(run(...edges, `--weights=${root}`)).rejects.toThrow(`--weights ${root} is given in vain`);
    await expect(run(reference, '--metrics=fid,aesthetic', '--network=x.onnx', '--preset=dinov2', inception)).rejects.toThrow(
      'inception=... is given in vain: --metrics fid,aesthetic with --network loads clip, clip-tokenizer, aesthetic-v2',
    );
    await expect(run(...edges, '--component=jpg')).rejects.toThrow(
      '--component jpg chooses pictures of webdatasets, and none of the sets is one',
    );
    await expect(run(reference, `--captions=${captionsOf('one caption')}`)).rejects.toThrow('none of fid, kid, prdc reads captions');
  });

  it('is told the activation of CLIP weights that are not OpenAI\u2019s own, never guesses it by the backbone', async () => {
    fs.writeFileSync(at('laion.safetensors'), 'weights');
    for (const backbone of ['ViT-B/32', 'ViT-L/14'])
      await expect(
        run('--metrics=aesthetic', `--clip=${backbone}`, `--weights=clip=${at('laion.safetensors')}`, `--weights=${root}`),
      ).rejects.toThrow(/laion\.safetensors does not say what its layers are activated by: give --clip-activation quick_gelu .* or gelu/);
    await expect(
      run('--metrics=aesthetic', '--clip=ViT-B/32', '--clip-activation=gelu', `--weights=clip=${at('laion.safetensors')}`),
    ).rejects.not.toThrow(/activated/);
  });

  it.each([
    ['--save-reference', 'a folder', 'reference', 'it is a folder; name a file'],
    ['--save-reference', 'below a file', 'captions.csv/x', 'cannot be written'],
    ['--save-reference', 'a name too long', 'n'.repeat(250), 'the name is too long'],
    ['--save-reference', 'a picture', 'reference/0.png', 'this file is something else; name another, or say --overwrite'],
    ['--report', 'a file', 'captions.csv', 'it is a file; name a folder'],
    ['--report', 'below a file', 'captions.csv/x', 'cannot be written'],
    ['--report', 'a name too long', 'n'.repeat(256), 'the name is too long'],
    ['--report', 'a folder of pictures', 'reference', 'holds files that are no report\u2019s'],
  ])('finds before anything is read that %s is %s', async (option, _, name, message) => {
    captionsOf('a caption');
    const before = fs.readdirSync(root, { recursive: true }).sort();
    await expect(run(`--reference=${at('reference')}`, '--metrics=fid', `${option}=${at(name)}`)).rejects.toThrow(
      message.replace('\u2019', "'"),
    );
    expect(fs.readdirSync(root, { recursive: true }).sort()).toEqual(before);
  });

  it('keeps statistics under any name and reads them back', async () => {
    for (const name of ['kept', 'kept.stats', 'kept.npz', 'kept.zip']) {
      const flags = ['--metrics=fid', '--preset=pytorch-fid', `--weights=${root}`];
      await run(`--reference=${at('reference')}`, ...flags, `--save-reference=${at(name)}`);
      const distance = table('distance-scores')['FID'] as number;
      await run(`--reference=${at(name)}`, ...flags);
      expect((table('distance-scores')['FID'] as number) / distance, name).toBeCloseTo(1, 4);
    }
  });

  it('writes the report, and keeps the statistics elsewhere, where these have no room', async () => {
    const full = vi.spyOn(fs, 'fsyncSync').mockImplementationOnce(() => {
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    });
    onTestFinished(() => full.mockRestore());
    fs.rmSync(at('report'), { recursive: true, force: true });
    const flags = [`--reference=${at('reference')}`, '--metrics=fid', `--weights=${root}`, `--save-reference=${at('full/s')}`];
    const error = (await run(...flags).catch((thrown: unknown) => thrown)) as DataError;
    expect(error.message).toMatch(/full\/s: no space is left on the disk\. .* What was computed lies in /);
    expect(fs.readdirSync(at('full'))).toEqual([]);
    const { kept } = error.values as { kept: string };
    expect(readStatistics(path.join(kept, 's')).n).toBe(4);
    fs.rmSync(kept, { recursive: true });
    expect(table('distance-scores')['FID']).toBeGreaterThan(0);
  });

  it('writes into a folder of the user\u2019s with --overwrite alone, and leaves what is theirs', async () => {
    const report = at('mine');
    fs.mkdirSync(report);
    fs.writeFileSync(path.join(report, 'holiday.png'), 'mine');
    const flags = [`--condition=${at('edges')}`, '--metrics=edges', `--report=${report}`];
    await expect(run(...flags)).rejects.toMatchObject({ code: 'foreign-files' });
    await run(...flags, '--overwrite');
    await run(...flags);
    expect(fs.readFileSync(path.join(report, 'holiday.png'), 'utf8')).toBe('mine');
    expect(fs.existsSync(path.join(report, 'index.html'))).toBe(true);
  });

  it('gives every image\u2019s scores by its name, and says in the terminal what was passed over, as text', async () => {
    const folder = at('\x1b[31mnamed');
    fs.cpSync(at('generated'), folder, { recursive: true });
    for (const name of ['=1+1.png', '[x](page.html).png']) fs.copyFileSync(at('generated/0.png'), path.join(folder, name));
    fs.writeFileSync(path.join(folder, '[y](page.html) \x1b[2J.txt'), '');
    await putEdges('\x1b[31mnamed', 'edges-of-named');
    const { log, page } = await run(`--generated=${folder}`, `--condition=${at('edges-of-named')}`, '--metrics=edges');
    expect(log).toContain('note: 1 other file beside the generated images passed over: [y](page.html)  [2J.txt');
    expect(log).not.toContain('\x1b');
    const html = fs.readFileSync(page, 'utf8');
    expect(html).not.toContain('href="page.html"');
    const csv = fs.readFileSync(at('report/image-scores.csv'), 'utf8').split('\n');
    expect(csv[0]).toBe('file,Edge F1 (1 px),Edge F1 (exact)');
    expect(csv.slice(1).map((line) => line.split(',')[0])).toEqual(
      expect.arrayContaining(['0.png', "'=1+1.png", '[x](page.html).png']) as unknown as string[],
    );
    const results = JSON.parse(fs.readFileSync(at('report/results.json'), 'utf8')) as Results & { metrics: Record<string, number> };
    const rows = results.sections.flatMap(({ blocks }) => blocks).find(({ id }) => id === 'image-scores')!.rows!;
    expect(rows.map(({ label }) => label)).toContain('=1+1.png');
    expect(Object.keys(results.metrics)).toEqual([
      'condition-scores/generated/Canny 100/200/Edge F1 (exact)',
      'condition-scores/generated/Canny 100/200/Edge F1 (1 px)',
      ...Object.keys(results.metrics).slice(2),
    ]);
    expect(Object.keys(results.metrics).some((name) => name.startsWith('image-scores'))).toBe(false);
  });
});

describe('the flags', () => {
  it.each([
    [['--metrics=fid,kit'], /got "kit". There are fid, kid, prdc/],
    [['--generatde=x'], /unknown option '--generatde' \(Did you mean --generated\?\)/],
    [[], /required option '--generated <path>' not specified/],
    [['--generated=x', '--metric=fid'], /unknown option '--metric' \(Did you mean --metrics\?\) Options: --generated/],
    [['--generated=x', '--provider=gpu'], /choices are cpu, webgpu, cuda/],
    [['--generated=x', '--batch=0'], /whole number of at least 1/],
    [['--generated=x', '--aesthetic=v3'], /choices are v1, v2/],
    [['--generated=x', '--network=n.onnx', '--input-mean=1,2', '--input-size=8'], /Expected three numbers/],
    [['--generated=x', '--network=n.onnx', '--input-size=8'], /takes all three: --input-size, --input-mean and --input-std/],
    [['--generated=x', '--input-size=8'], /describe the network of --network/],
    [
      ['--generated=x', '--network=n.onnx', '--preset=dinov2', '--input-size=8', '--input-mean=0,0,0', '--input-std=1,1,1'],
      /give either --preset or/,
    ],
    [['--generated=x', 'y'], /too many arguments/],
    [['--generated='], /'--generated <path>' argument '' is invalid\. Expected a name, got nothing/],
    [['--generated=x', '--reference='], /'--reference <path>' argument '' is invalid/],
    [['--generated=x', '--clip-activation=relu'], /choices are gelu, quick_gelu/],
    [['--generated=x', '--clip-measure=clipscore'], /--clip-measure is given, but none of fid, kid, prdc reads captions/],
    [['--generated=x', '--clip=ViT-B/32'], /--clip is given, but none of fid, kid, prdc uses CLIP/],
    [['--generated=x', '--aesthetic=v1'], /--aesthetic is given, but none of fid, kid, prdc is an aesthetic score/],
    [['--generated=x', '--network=n.onnx', '--input-mean=0.5,,0.5'], /Expected three numbers/],
    [['--generated=x', '--canny=100,200'], /--canny is given, but none of fid, kid, prdc finds edges/],
    ...['200,100', '100', '100,', '-1,5', '1,2,3'].map(
      (canny) =>
        [['--generated=x', '--metrics=edges', `--canny=${canny}`], /Expected two numbers, low,high, the lower one first/] as [
          string[],
          RegExp,
        ],
    ),
    [['--generated=x', '--metrics=edges', '--provider=cpu'], /--provider is given, but none of edges runs a network/],
    [['--generated=x', '--metrics=edges', '--batch=8'], /--batch is given, but none of edges runs a network/],
    [['--generated=x', '--metrics=edges', '--preset=clean'], /--preset is given, but none of edges takes features of a network/],
  ])('%j', (flags, message) => {
    expect(() => evaluateFlags(flags)).toThrow(message);
  });
});
