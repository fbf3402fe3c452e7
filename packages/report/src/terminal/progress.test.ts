import { describe, expect, it } from 'vitest';
import { Progress, formatDuration } from './progress.ts';

const state = (step: number) => ({ step, totalSteps: 10, loss: 0.31254, samplesPerSecond: 61.23, waitShare: 0.02, secondsLeft: 75 });

describe('Progress', () => {
  it('writes plain lines every ten seconds and at the end when piped', () => {
    let now = 0;
    const written: string[] = [];
    const progress = new Progress({ write: (text) => written.push(text) }, 'vae', () => now);
    for (const [step, time] of [
      [1, 0],
      [2, 9_999],
      [3, 10_000],
      [4, 10_001],
      [10, 10_002],
    ] as const) {
      now = time;
      progress.update(state(step));
    }
    progress.message('done');
    progress.end();
    expect(written).toEqual([
      'vae  step 3/10  61.2 samples/s  loss 0.3125  waiting for data 2%  ETA 1m 15s\n',
      'vae  step 10/10  61.2 samples/s  loss 0.3125  waiting for data 2%  ETA 1m 15s\n',
      'vae  done\n',
    ]);
    expect(written.join('')).not.toContain('\x1b');
  });
  it('redraws one line in a terminal and keeps messages above it', () => {
    let now = 0;
    let written = '';
    const progress = new Progress(
      {
        isTTY: true,
        columns: 20,
        write: (text) => {
          written += text;
        },
      },
      'vae',
      () => now,
    );
    progress.update(state(1));
    now = 50;
    progress.update(state(2));
    progress.message('saved');
    now = 100;
    progress.update(state(3));
    progress.end();
    expect(written).toBe('\r\x1b[2Kvae  step 1/10  61.\r\x1b[2Kvae  saved\nvae  step 1/10  61.\r\x1b[2Kvae  step 3/10  61.\n');
  });
  it('formats durations', () => {
    expect([5.4, 75, 3700, NaN].map(formatDuration)).toEqual(['5s', '1m 15s', '1h 1m', '?']);
  });
});
