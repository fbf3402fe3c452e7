import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readConstant, readSafetensors } from '@controllab/core-blocks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let root: string;
const at = (...names: string[]): string => path.join(root, ...names);
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'train-'))));
afterAll(() => rmSync(root, { recursive: true }));

const SMALL = [
  '--data=emoji-scenes', '--max-train-samples=16', '--max-train-steps=6', '--train-batch-size=2', '--learning-rate=1e-3',
  '--gradient-accumulation-steps=2', '--snr-gamma=5', '--ema=0.9', '--proportion-empty-prompts=0.5', '--lr-scheduler=linear',
  '--lr-warmup-steps=2', '--checkpointing-steps=2', '--validation-steps=3', '--validation-inference-steps=2', '--threads=1',
]; // prettier-ignore

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

/** The program, killed once a file is there. */
function controllab(argv: readonly string[], killWhen?: string): Promise<Ended> {
  const main = new URL('../main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=controllab', '--import', 'tsx', main, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (said += part.toString()));
  const watch = killWhen === undefined ? undefined : setInterval(() => existsSync(killWhen) && child.kill('SIGKILL'), 5);
  return new Promise((resolve) =>
    child.once('exit', (code) => {
      clearInterval(watch);
      resolve({ code, said });
    }),
  );
}
const train = (out: string, more: readonly string[] = [], killWhen?: string): Promise<Ended> =>
  controllab(['train', ...SMALL, `--store=${at('store')}`, `--out=${at(out)}`, ...more], killWhen);

/** Everything that must not depend on how a training came about; the card and the file of flags name the folder. */
const outcome = (out: string): Record<string, string> =>
  Object.fromEntries(
    [
      'config.json',
      'diffusion_pytorch_model.safetensors',
      'README.md',
      'images/loss.svg',
      'images/pictures.png',
      'validation/step-00000003-2.png',
    ].map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(at(out, name)).toString('latin1').replaceAll(`${out}`, 'OUT'))
        .digest('hex'),
    ]),
  );

describe('train', () => {
  it('writes a control, a card, a page and events; killed and begun again, or two at once, the same bytes', async () => {
    expect(await train('first-run')).toMatchObject({ code: 0 });
    const files = readdirSync(at('first-run'));
    for (const name of ['config.json', 'diffusion_pytorch_model.safetensors', 'README.md', 'train.json', 'training.json', 'log.jsonl'])
      expect(files).toContain(name);
    expect(files.filter((name) => /^(lock|want)-|\.tmp$/.test(name))).toEqual([]);
    const page = readFileSync(at('first-run', 'report', 'index.html'), 'utf8');
    expect(page).toContain('Trained: 6 steps.');
    expect(page).not.toContain('http-equiv="refresh"');
    const events = readFileSync(at('first-run', 'tensorboard', 'events.out.tfevents.1.controllab'));
    expect(events.toString('latin1')).toContain('validation/1');

    const killed = await train('second-run', [], at('second-run', 'checkpoints', 'step-00000004.safetensors'));
    expect(killed.code).toBeNull();
    expect(readFileSync(at('second-run', 'report', 'index.html'), 'utf8')).toMatch(/http-equiv="refresh" content="\d+"/);
    const byFile = () =>
      controllab(['train', `--config=${at('first-run', 'train.json')}`, `--store=${at('store')}`, `--out=${at('second-run')}`]);
    const [first, second] = await Promise.all([byFile(), train('second-run')]);
    expect([first.code, second.code].sort()).toEqual([0, 1]);
    expect(first.said + second.said).toMatch(/is at work in .*second-run/);
    expect(first.said + second.said).toMatch(/continuing from step/);
    expect(outcome('second-run')).toEqual(outcome('first-run'));
  }, 600_000);

  it('writes its checkpoint when whoever read it has gone', async () => {
    const main = new URL('../main.ts', import.meta.url).pathname;
    const argv = [...SMALL, `--store=${at('store')}`, `--out=${at('unheard')}`, '--max-train-steps=400', '--checkpointing-steps=1000'];
    const child = spawn(process.execPath, ['--conditions=controllab', '--import', 'tsx', main, 'train', ...argv], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout.on('data', (part: Buffer) => void (part.toString().includes('step ') && child.stdout.destroy()));
    expect(await new Promise((resolve) => child.once('exit', resolve))).not.toBe(0);
    expect(readdirSync(at('unheard', 'checkpoints')).filter((name) => name.startsWith('step-'))).toHaveLength(1);
  }, 120_000);

  it('goes on from a trained control, of its own method alone', async () => {
    const from = `--controlnet-model-name-or-path=${at('first-run')}`;
    // So low a rate leaves weights as they were given.
    const { code, said } = await train('further', [from, '--max-train-steps=2', '--learning-rate=1e-12', '--ema=0.5']);
    expect(said).toContain('the run');
    expect(code).toBe(0);
    const [earlier, further] = ['first-run', 'further'].map((out) => readSafetensors(at(out, 'diffusion_pytorch_model.safetensors')));
    for (const name of earlier!.names()) {
      const [before, after] = [earlier!, further!].map((file) => readConstant(file.external(name)).data);
      expect(before!.every((value, i) => Math.abs(value - after![i]!) < 1e-7)).toBe(true);
    }
    // A start of its own makes another training of it.
    expect((await train('further', ['--max-train-steps=2', '--learning-rate=1e-12', '--ema=0.5'])).said).toMatch(/start/);
    const other = await train('other', [from, '--method=controlnet-lite']);
    expect(other).toMatchObject({
      code: 1,
      said: expect.stringMatching(/first-run: its values and the control that is trained do not fit/),
    });
  }, 240_000);

  it('leaves folders of others alone', async () => {
    mkdirSync(at('photos'));
    writeFileSync(at('photos', 'cat.jpg'), 'mine');
    const { code, said } = await train('photos');
    expect(code).toBe(1);
    expect(said).toMatch(/photos holds files that are no training's \(cat\.jpg\)\. Name a new or empty folder with --out/);
    expect(readdirSync(at('photos'))).toEqual(['cat.jpg']);
    const other = await train('first-run', ['--seed=2']);
    expect(other.said).toMatch(/first-run holds another training \(that one -> this one\): .*seed.*1.*2.*Name another folder/s);
  }, 120_000);

  it('says what it takes, and writes nothing', async () => {
    const { code, said } = await train('dry', ['--dry-run']);
    expect(code).toBe(0);
    expect(said).toMatch(/trained parameters +2,848,656/);
    for (const line of [
      /memory, peak of this process +\d+ (MB|GB)/,
      /time per step +[\d.e+-]+ s \(/,
      /disk, 2 checkpoints and one being written +\d+ MB/,
    ])
      expect(said).toMatch(line);
    expect(existsSync(at('dry'))).toBe(false);
  }, 120_000);
});
