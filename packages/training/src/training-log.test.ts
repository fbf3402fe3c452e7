import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { TrainingLog } from './training-log.ts';

const newFile = () => path.join(mkdtempSync(path.join(tmpdir(), 'training-log-')), 'log.jsonl');
const line = (step: number) => ({ step, loss: 1, lr: 1, samples_per_second: 1, wait_share: 0, time: '' });

/** A log of five lines, and its mark after each. */
function written(): { file: string; text: string; marks: string[] } {
  const file = newFile();
  const log = new TrainingLog(file);
  expect(log.continueFrom('')).toEqual([]);
  const marks = [1, 2, 3, 4, 5].map((step) => {
    log.append([line(step)]);
    return log.mark;
  });
  log.sync();
  log.close();
  return { file, text: readFileSync(file, 'utf8'), marks };
}

describe('TrainingLog', () => {
  it('has lines of JSON, each with a checksum', () => {
    const { text } = written();
    // sha256 of '\n' and the line without its checksum: printf '\n{"step":1,...,"time":""}' | sha256sum
    expect(text.split('\n')[0]).toBe(
      '{"step":1,"loss":1,"lr":1,"samples_per_second":1,"wait_share":0,"time":"","check":"ff706c0b40ed084b"}',
    );
  });

  it('continues behind a mark with the bytes of a log that was never left', () => {
    const { file, text, marks } = written();
    const log = new TrainingLog(file);
    expect(log.continueFrom(marks[2]!).map(({ step }) => step)).toEqual([1, 2, 3]);
    log.append([line(4), line(5)]);
    log.close();
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('drops everything when the run starts over', () => {
    const { file } = written();
    const log = new TrainingLog(file);
    expect(log.continueFrom('')).toEqual([]);
    log.close();
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  it.each<[string, (lines: string[]) => string]>([
    ['a digit changed', (lines) => lines.join('\n').replace('"step":3,"loss":1', '"step":3,"loss":2')],
    ['a line lost', (lines) => lines.filter((_, i) => i !== 2).join('\n')],
    ['a line twice', (lines) => [...lines.slice(0, 2), lines[1], ...lines.slice(2)].join('\n')],
    ['two lines swapped', ([a, b, c, d, ...rest]) => [a, b, d, c, ...rest].join('\n')],
    ['a line cut short', (lines) => lines.join('\n').slice(0, lines.slice(0, 3).join('\n').length - 5)],
    ['a line without its checksum', (lines) => lines.map((l, i) => (i === 2 ? l.replace(/,"check":.*/, '}') : l)).join('\n')],
    ['zeros, as a power cut leaves them', (lines) => `${lines.slice(0, 2).join('\n')}\n${'\0'.repeat(300)}`],
    ['bytes that are no text', (lines) => lines.join('\n').replace('"step":3', '"st\u00ffp":3')],
  ])('holds the lines before the damage and none behind it: %s', (_, damage) => {
    const { file, text, marks } = written();
    writeFileSync(file, damage(text.split('\n')), 'latin1');
    const log = new TrainingLog(file);
    expect(marks.map((mark) => log.holds(mark))).toEqual([true, true, false, false, false]);
    expect(log.continueFrom(marks[1]!)).toHaveLength(2);
    log.close();
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
  });

  it('holds nothing where there is no file, and no mark of another log', () => {
    const log = new TrainingLog(newFile());
    expect(log.holds(written().marks[0]!)).toBe(false);
    expect(log.holds('')).toBe(true);
    expect(new TrainingLog(written().file).holds('0123456789abcdef')).toBe(false);
  });
});
