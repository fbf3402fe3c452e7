import { describe, expect, it } from 'vitest';
import { formatDuration, Progress, type ProgressOptions } from './progress.ts';

/** What `use` makes a progress write; `at` sets the time in milliseconds. */
const written = (
  output: { isTTY?: boolean; columns?: number },
  options: Omit<ProgressOptions, 'now'>,
  use: (progress: Progress, at: (time: number) => void) => void,
): string => {
  let [text, now] = ['', 0];
  const progress = new Progress({ ...output, write: (part: string) => (text += part) }, { ...options, now: () => now });
  use(progress, (time) => {
    now = time;
  });
  return text;
};
const step = (done: number) => ({ text: `step ${done}/10  loss 0.3125`, done, total: 10, secondsLeft: 75 });
const images = (done: number, total: number | null) => ({ text: `images: ${done}${total === null ? '' : ` of ${total}`}`, done, total });

describe('Progress of a run', () => {
  it('writes plain lines every ten seconds and at the end when piped', () => {
    const text = written({}, { name: 'vae', plain: 'seconds' }, (progress, at) => {
      for (const [done, time] of [
        [1, 0],
        [2, 9_999],
        [3, 10_000],
        [4, 10_001],
        [10, 10_002],
      ] as const) {
        at(time);
        progress.update(step(done));
      }
      progress.message('done');
      progress.end();
    });
    expect(text).toBe('vae  step 3/10  loss 0.3125  ETA 1m 15s\nvae  step 10/10  loss 0.3125  ETA 1m 15s\nvae  done\n');
    expect(text).not.toContain('\x1b');
  });

  it('redraws one line in a terminal and keeps messages above it', () => {
    const text = written({ isTTY: true, columns: 20 }, { name: 'vae', plain: 'seconds' }, (progress, at) => {
      progress.update(step(1));
      at(50);
      progress.update(step(2));
      progress.message('saved');
      at(100);
      progress.update(step(3));
      progress.end();
      progress.end();
    });
    expect(text).toBe('\r\x1b[2Kvae  step 1/10  los\r\x1b[2Kvae  saved\nvae  step 1/10  los\r\x1b[2Kvae  step 3/10  los\n');
  });
});

describe('Progress of one thing after the other', () => {
  it('redraws a line in a terminal, not for every step, and ends with what came out', () => {
    const text = written({ isTTY: true }, {}, (progress, at) => {
      for (let i = 1; i <= 8; i++) {
        at(20 * i);
        progress.update(images(i, 9));
      }
      progress.end('8 images');
    });
    expect(text).toBe('\r\x1b[2Kimages: 1 of 9\r\x1b[2Kimages: 6 of 9\r\x1b[2K8 images\n');
  });

  it('writes a line per tenth elsewhere, and seldom where the end is not known', () => {
    const steps = (total: number | null, ms: number) =>
      written({}, {}, (progress, at) => {
        for (let i = 1; i <= 1000; i++) {
          at(ms * i);
          progress.update(images(i, total));
        }
      }).split('\n');
    expect(steps(1000, 1)).toEqual([...Array.from({ length: 10 }, (_, i) => `images: ${100 * (i + 1)} of 1000`), '']);
    expect(steps(3, 1)).toHaveLength(1001); // more came than was known of
    expect(steps(null, 10_000)).toHaveLength(335);
  });

  it('begins anew after its end', () => {
    const text = written({}, {}, (progress) => {
      for (const name of ['first', 'second']) {
        progress.update({ text: `${name}: 1 MB of 1 MB`, done: 1, total: 1 });
        progress.end(`${name} done`);
      }
    });
    expect(text).toBe('first: 1 MB of 1 MB\nfirst done\nsecond: 1 MB of 1 MB\nsecond done\n');
  });

  it('estimates what is left from the pace, once there is one', () => {
    const text = written({}, {}, (progress, at) => {
      for (const [done, seconds] of [
        [0, 0],
        [10, 4],
        [20, 20],
        [100, 100],
      ] as const) {
        at(1000 * seconds);
        progress.update(images(done, 100));
      }
    });
    expect(text).toBe('images: 10 of 100\nimages: 20 of 100  ETA 1m 20s\nimages: 100 of 100\n');
  });
});

it('lets no text from outside move the cursor', () => {
  const text = written({ isTTY: true }, { name: 'a\x1b[2Jb' }, (progress) => {
    progress.update({ text: 'cat\r\n\x9b31m.png', done: 1, total: null });
    progress.message('x\u202etxt.exe');
    progress.end('\x07done');
  });
  expect(text.replaceAll('\r\x1b[2K', '<clear>')).toBe(
    '<clear>a [2Jb  cat 31m.png<clear>a [2Jb  x txt.exe\na [2Jb  cat 31m.png<clear>a [2Jb   done\n',
  );
});

it('formats durations', () => {
  expect([5.4, 75, 3700, NaN].map(formatDuration)).toEqual(['5s', '1m 15s', '1h 1m', '?']);
});
