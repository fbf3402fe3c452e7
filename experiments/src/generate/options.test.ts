import { describe, expect, it } from 'vitest';
import { parseGenerate } from './options.ts';

const parse = (...argv: string[]) => parseGenerate(['--model=m', '--prompt=a cat', ...argv]);

describe('parseGenerate', () => {
  it('pairs controls with their conditions', () => {
    expect(parse()).toMatchObject({
      model: 'm',
      prompt: 'a cat',
      negativePrompt: null,
      controls: [],
      seed: 1,
      steps: 20,
      guidance: 7.5,
      sampler: 'ddim',
      width: null,
    });
    expect(
      parse(
        '--controlnet=a',
        '--controlnet=b',
        '--condition=1.png',
        '--condition=2.png',
        '--extractor=canny',
        '--conditioning-scale=0.5',
        '--conditioning-scale=1.5',
      ).controls,
    ).toEqual([
      { controlnet: 'a', condition: '1.png', extractor: 'canny', scale: 0.5 },
      { controlnet: 'b', condition: '2.png', extractor: 'canny', scale: 1.5 },
    ]);
  });

  it.each([
    [['--sampler=dpm'], /dpm.*choices are ddim, euler, dpm\+\+2m, unipc/],
    [['--extractor=hed'], /hed.*choices are none, canny/],
    [['--steps=0'], /at least 1/],
    [['--guidance=0.5'], /at least 1/],
    [['--controlnet=a'], /1 --controlnet need as many --condition images, got 0/],
    [['--controlnet=a', '--condition=1.png', '--extractor=none', '--extractor=canny'], /--extractor was given 2 times for 1 --controlnet/],
    [['--guess-mode'], /--guess-mode needs a --controlnet/],
    [['--width=64'], /--width and --height together/],
    [['--promt=x'], /--promt.*Options: .*--prompt/s],
  ])('%j', (argv, message) => expect(() => parse(...argv)).toThrow(message));

  it('needs a model and a prompt', () => expect(() => parseGenerate(['--prompt=x'])).toThrow(/--model/));
});
