import { describe, expect, it } from 'vitest';
import { parseFlags } from '@controllab/command-line';
import { communityStyles, openMini } from '@controllab/mini-sd';
import { generateFlags, generateOptions, type GenerateFlags, type GenerateOptions } from './options.ts';

function read(argv: readonly string[]): GenerateOptions {
  return generateOptions(parseFlags<GenerateFlags>(generateFlags(), argv));
}
const parse = (...argv: string[]) => read(['--model=m', '--prompt=a cat', ...argv]);

describe('flags of generate', () => {
  it('pairs controls with their conditions', () => {
    expect(parse()).toMatchObject({
      model: 'm',
      prompts: ['a cat'],
      count: 1,
      negativePrompt: null,
      controls: [],
      seed: 1,
      steps: 20,
      guidance: 7.5,
      sampler: 'ddim',
      width: null,
      out: null,
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
      { controlnet: 'a', condition: '1.png', extractor: 'canny', scale: 0.5, start: 0, end: 1 },
      { controlnet: 'b', condition: '2.png', extractor: 'canny', scale: 1.5, start: 0, end: 1 },
    ]);
    const two = ['--controlnet=a', '--controlnet=b', '--condition=1.png', '--condition=2.png'];
    expect(parse(...two, '--control-start=0.25', '--control-end=0.5', '--control-end=1').controls).toMatchObject([
      { start: 0.25, end: 0.5 },
      { start: 0.25, end: 1 },
    ]);
  });

  it.each([
    [['--sampler=dpm'], /dpm.*choices are ddim, euler, euler-a, heun, lms, pndm, dpm\+\+2m, unipc, ddpm/],
    [['--extractor=hed'], /hed.*choices are none, canny/],
    [
      ['--control=depth', '--condition=a'],
      /depth.*choices are canny, canny-controlnext; for another control give --controlnet FILE with its map as --condition\./,
    ],
    [['--steps=0'], /at least 1/],
    [['--guidance=0.5'], /0 or 1 for no guidance, or more than 1/],
    [['--guidance=-1'], /at least 0/],
    [['--control=canny', '--condition=a', '--model=other'], /--control canny is one of mini's U-Net; --model is other/],
    [
      ['--control=canny', '--condition=a', '--model=mini-s'],
      /--control canny is one of mini's U-Net; --model is mini-s: give a --controlnet/,
    ],
    [['--tier=core', '--model=mini-s'], /--tier is a pool of objects of mini; --model is mini-s/],
    [['--control=canny', '--model=mini'], /1 --control and --controlnet need as many --condition images, got 0/],
    [['--controlnet=a'], /1 --controlnet need as many --condition images, got 0/],
    [['--save-conditions=c'], /--save-conditions keeps what a control saw: give --control or --controlnet/],
    [['--controlnet=a', '--condition=a', '--save-conditions=c', '--out=b.png'], /--save-conditions is for pictures in a folder/],
    [['--controlnet=a', '--condition=1.png', '--extractor=none', '--extractor=canny'], /--extractor was given 2 times for 1 --controlnet/],
    [['--guess-mode'], /--guess-mode needs a --controlnet/],
    [['--width=64'], /--width and --height together/],
    [['--promt=x'], /--promt.*Did you mean --prompt/s],
    [['--count=0'], /at least 1/],
    [['--tier=core'], /--tier is a pool of objects of mini; --model is m/],
    [['--tier=huge'], /choices are quick, core/],
    [['--out=a.tiff'], /written as \.png, \.jpg, \.jpeg, \.webp: name one, or a folder with a \/ behind it; got --out a\.tiff/],
    [['--out=pictures.v2'], /written as \.png/],
    [['--count=2', '--out=a.png'], /--out names one file for 2 pictures; name a folder/],
    [['--overwrite'], /--overwrite is for an --out that names a picture: in a folder every picture is a new file/],
    [['--overwrite', '--out=pictures/'], /--overwrite is for an --out that names a picture/],
    [['--control-start=0.5'], /--control-start needs a --controlnet/],
    [
      ['--controlnet=a', '--condition=b', '--control-start=0.5', '--control-end=0.5'],
      /--control-start 0\.5 must be below --control-end 0\.5/,
    ],
    [['--controlnet=a', '--condition=b', '--control-end=1.5'], /from 0 to 1/],
    [['--karras'], /--karras is for euler, heun, lms, dpm\+\+2m, unipc; --sampler is ddim/],
    [['--spacing=log'], /leading, trailing, linspace/],
    [['--guidance=1', '--guidance-rescale=0.7'], /--guidance-rescale needs --guidance above 1, which is 1/],
    [['--lora=x:strong'], /FILE or FILE:WEIGHT/],
    [['--lora-dir=x', '--prompt-syntax=plain'], /--lora-dir is for <lora:\.\.\.> tags, which --prompt-syntax plain reads as text/],
    [['--model=mini', '--lora=x'], /--lora is for published models/],
    ...['model', 'config', 'lora', 'lora-dir', 'prompts', 'controlnet', 'condition', 'out'].map((flag): [string[], RegExp] => [
      [`--${flag}=`],
      new RegExp(`--${flag} .*(got nothing|FILE)`),
    ]),
  ])('%j', (argv, message) => expect(() => parse(...argv)).toThrow(message));

  it('draws with the embedded default, at its own guidance, where no model is named', () => {
    expect(read(['--prompt=', '--prompt=a cat', '--count=2'])).toMatchObject({
      model: 'mini',
      guidance: 4,
      prompts: ['', 'a cat'],
      count: 2,
    });
    expect(read(['--prompt=x', '--model=mini:noto', '--tier=core', '--guidance=2'])).toMatchObject({
      model: 'mini:noto:core',
      guidance: 2,
    });
    for (const style of communityStyles) expect(generateFlags().helpInformation()).toContain(`mini:${style}`);
  });

  it('takes any seed where -1 is given', () => {
    const seeds = [1, 2, 3].map(() => parse('--seed', '-1').seed);
    expect(new Set(seeds).size).toBe(3);
    expect(Math.max(...seeds)).toBeLessThan(2 ** 31);
  });

  it('needs a prompt, which may look like a flag', () => {
    expect(() => read([])).toThrow(/give a --prompt, or --prompts FILE/);
    expect(read(['--guess-mode', '--controlnet=a', '--condition=b']).prompts).toEqual(['']);
    expect(read(['--lora=a/b.safetensors:-0.5', '--lora=c', '--model=m', '--prompt=']).loras).toEqual([
      { file: 'a/b.safetensors', weight: -0.5 },
      { file: 'c', weight: 1 },
    ]);
    expect(read(['--prompt', '--cat', '--out', 'x.PNG'])).toMatchObject({ prompts: ['--cat'], out: 'x.PNG' });
  });

  it('has examples of prompts in its own help that the embedded default knows every word of', async () => {
    let help = '';
    generateFlags()
      .configureOutput({ writeOut: (text) => (help += text) })
      .outputHelp();
    const examples = [...help.replaceAll(/\s+/g, ' ').matchAll(/"([a-z]+ [a-z ]+)"/g)].map(([, prompt]) => prompt!);
    expect(examples.length).toBeGreaterThan(0);
    const unknown: string[] = [];
    openMini().tokenize(examples, (message) => unknown.push(message));
    expect(unknown).toEqual([]);
  });
});
