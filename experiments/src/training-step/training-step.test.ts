import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from './options.ts';
import { trainingStepTable } from './training-step.ts';

describe('flags', () => {
  const parse = (flag: string): Record<string, unknown> =>
    OPTIONS.reduce((command, option) => command.addOption(option), new Command('training-step'))
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .parse([flag], { from: 'user' })
      .opts();

  it('trains both methods at 256 pixels unless told otherwise', () => {
    expect(parse('--steps=6')).toEqual({ size: 256, methods: ['controlnet', 'controlnext'], steps: 6, recompute: false });
    expect(parse('--methods=controlnext')).toMatchObject({ methods: ['controlnext'] });
  });

  it.each([
    ['--size=200', /multiple of 64/],
    ['--methods=controlnet,lora', /got "lora"\. There are controlnet, controlnext/],
    ['--steps=2', /above 2/],
  ])('refuses %s', (flag, message) => {
    expect(() => parse(flag)).toThrow(message);
  });
});

describe('table', () => {
  it('leaves the first steps out of the time and counts the optimizer in the states', () => {
    const timing = {
      label: 'ControlNet',
      trainable: 2e6,
      frozen: 1e6,
      macs: 5e11,
      startSeconds: 3,
      seconds: [9, 8, 2, 2],
      losses: [1.5, 1.4, 1.3, 1.25],
      peakBytes: 7e9,
    };
    const { rows } = trainingStepTable([timing], { size: 256, ceilingGflops: 1000, recompute: false });
    const [trained, frozen, macs, seconds, share, states, peak, , losses] = rows[0]!.cells;
    expect([trained, frozen, macs, states, peak]).toEqual([2, 1, 500, 0.036, 7]);
    expect(seconds).toMatchObject({ value: 2, n: 2 });
    // 1e12 operations in 2 s, of 1e12 a second
    expect(share).toMatchObject({ value: 50 });
    expect(losses).toBe('1.5000, 1.2500');
  });
});
