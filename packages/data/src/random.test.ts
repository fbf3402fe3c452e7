import { describe, expect, it } from 'vitest';
import { fillNormal, normal, normalQuantile, permutation, randomBits, randomInt, threefry, uniform } from './random.ts';

const words = (key0: number, key1: number, index: number, block: number) => {
  const out = new Uint32Array(2 * block + 2);
  threefry(out, key0, key1, index);
  return [...out.subarray(2 * block)];
};

describe('threefry', () => {
  it('gives the known answers of Random123', () => {
    // kat_vectors: threefry2x32 20 rounds, counter 0 0, key 0 0
    expect(words(0, 0, 0, 0)).toEqual([0x6b200159, 0x99ba4efe]);
  });
});

describe('normalQuantile', () => {
  it('agrees with published percentage points', () => {
    expect(normalQuantile(0.5)).toBe(0);
    for (const [p, z] of [
      [0.975, 1.959963985],
      [0.25, -0.6744897502],
      [0.001, -3.090232306],
      [1e-12, -7.034483825],
    ] as const) {
      expect(Math.abs(normalQuantile(p) / z - 1)).toBeLessThan(3e-7);
    }
  });
});

describe('normal and uniform', () => {
  it('depend on seed, purpose, index and nothing else', () => {
    const a = normal(1, 'noise', 2, 8);
    expect(normal(1, 'noise', 2, 8)).toEqual(a);
    expect(normal(2, 'noise', 2, 8)).not.toEqual(a);
    expect(normal(1, 'timestep', 2, 8)).not.toEqual(a);
    expect(normal(1, 'noise', 3, 8)).not.toEqual(a);
    expect(normal(1, 'noise', 2, 5)).toEqual(a.slice(0, 5));
    const batch = new Float32Array(16);
    fillNormal(batch.subarray(8), 1, 'noise', 2);
    expect(batch.slice(8)).toEqual(a);
  });

  it('have the right moments within and across indices', () => {
    const n = 40_000;
    const moments = (x: Float32Array) => {
      let m1 = 0,
        m2 = 0,
        m4 = 0,
        lag = 0;
      for (let i = 0; i < n; i++) {
        m1 += x[i]!;
        m2 += x[i]! ** 2;
        m4 += x[i]! ** 4;
        lag += x[i]! * x[(i + 1) % n]!;
      }
      return [m1 / n, m2 / n, m4 / n, lag / n] as const;
    };
    const within = normal(7, 'a', 0, n);
    const across = Float32Array.from({ length: n }, (_, i) => normal(7, 'a', i, 1)[0]!);
    for (const x of [within, across]) {
      const [m1, m2, m4, lag] = moments(x);
      // five standard errors
      expect(Math.abs(m1)).toBeLessThan(5 / Math.sqrt(n));
      expect(Math.abs(m2 - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
      expect(Math.abs(m4 - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
      expect(Math.abs(lag)).toBeLessThan(5 / Math.sqrt(n));
    }
    const u = uniform(7, 'a', 1, n);
    const bins = new Uint32Array(100);
    u.forEach((v) => bins[Math.floor(v * 100)]!++);
    const chi2 = bins.reduce((s, c) => s + (c - n / 100) ** 2 / (n / 100), 0);
    expect(chi2).toBeGreaterThan(45); // 99 degrees of freedom
    expect(chi2).toBeLessThan(170);
  });

  it('refuse counters that would wrap', () => {
    expect(() => randomBits(-1, 'a', 0, 1)).toThrow(/expected seed to be an integer in \[0, 2\^32\), got -1/);
    expect(() => randomBits(1, 'a', 2 ** 32, 1)).toThrow(/expected index/);
  });
});

describe('permutation and randomInt', () => {
  it('visit every element once and stay in range', () => {
    expect([...permutation(3, 'epoch', 0, 50)].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(permutation(3, 'epoch', 0, 50)).not.toEqual(permutation(3, 'epoch', 1, 50));
    const counts = new Uint32Array(6);
    for (let i = 0; i < 6000; i++) counts[randomInt(3, 'pick', i, 6)]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
