import { describe, expect, it } from 'vitest';
import { ProgressLine } from './progress.ts';

function written(isTTY: boolean, msPerUpdate: number, use: (line: ProgressLine) => void): string {
  let [text, time] = ['', 0];
  use(
    new ProgressLine(
      {
        isTTY,
        write: (part: string) => {
          text += part;
        },
      },
      () => (time += msPerUpdate),
    ),
  );
  return text;
}

describe('ProgressLine', () => {
  it('redraws a line in a terminal, not for every step', () => {
    const text = written(true, 20, (line) => {
      for (let i = 1; i <= 8; i++) line.update('images', i, 8);
      line.end('8 images');
    });
    expect(text).toBe('\r\x1b[Kimages: 1 of 8\r\x1b[Kimages: 6 of 8\r\x1b[K8 images\n');
  });

  it('writes a line per tenth elsewhere, and seldom where the end is not known', () => {
    const steps = (total: number | null) => (line: ProgressLine) => {
      for (let i = 1; i <= 1000; i++) line.update('images', i, total);
    };
    expect(written(false, 1, steps(1000)).split('\n')).toEqual([
      ...Array.from({ length: 10 }, (_, i) => `images: ${100 * (i + 1)} of 1000`),
      '',
    ]);
    expect(written(false, 1, steps(3)).split('\n')).toHaveLength(1001); // more came than was known of
    expect(written(false, 10_000, steps(null)).split('\n').length).toBeLessThan(400);
  });

  it('begins anew after its end', () => {
    const text = written(false, 1, (line) => {
      for (const name of ['first', 'second']) {
        line.update(name, 1, 1, (n) => `${n} MB`);
        line.end(`${name} done`);
      }
    });
    expect(text).toBe('first: 1 MB of 1 MB\nfirst done\nsecond: 1 MB of 1 MB\nsecond done\n');
  });
});
