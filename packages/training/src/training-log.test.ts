import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { TrainingLog } from './training-log.ts';

const file = () => path.join(mkdtempSync(path.join(tmpdir(), 'training-log-')), 'log.jsonl');
const line = (step: number) => ({ step, loss: 1, lr: 1, samples_per_second: 1, wait_share: 0, time: '' });

describe('TrainingLog', () => {
  it('continues after the step resumed from', () => {
    const f = file();
    const text = [1, 2, 3, 4].map((step) => `${JSON.stringify(line(step))}\n`).join('');
    writeFileSync(f, `${text}{"step":5,"lo`);
    const log = new TrainingLog(f, 3);
    expect(log.kept.map(({ step }) => step)).toEqual([1, 2, 3]);
    log.append([line(4)]);
    log.sync();
    log.close();
    expect(readFileSync(f, 'utf8')).toBe(text);
  });
  it('drops a line cut short, and everything when the run starts over', () => {
    const f = file();
    writeFileSync(f, `${JSON.stringify(line(1))}\n{"step":2,"lo`);
    new TrainingLog(f, 2).close();
    expect(readFileSync(f, 'utf8')).toBe(`${JSON.stringify(line(1))}\n`);
    writeFileSync(f, `{"step":0,"evaluation":{"f1":1}}\n`);
    expect(new TrainingLog(f, 0).kept).toEqual([]);
    expect(readFileSync(f, 'utf8')).toBe('');
  });
});
