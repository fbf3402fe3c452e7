import { describe, expect, it } from 'vitest';
import { choiceOptions } from './choices.ts';

const parse = (conditions: 'one' | 'several', name: string, text: string): unknown =>
  choiceOptions({ conditions }).find((option) => option.attributeName() === name)!.parseArg!(text, undefined);

describe('what a run takes in place of its profile’s', () => {
  it('is several conditions, each once, in one order whatever was typed, or one', () => {
    expect(parse('several', 'conditions', 'depth, scribble,depth')).toEqual(['scribble', 'depth']);
    expect(parse('one', 'conditions', 'depth')).toEqual(['depth']);
    expect(() => parse('one', 'conditions', 'depth,mask')).toThrow(/Expected one name/);
  });

  it.each(['', 'cany', 'depth,', 'canny+mask', 'source'])('refuses %j as conditions, and lists those that there are', (text) => {
    expect(() => parse('several', 'conditions', text)).toThrow(/There are scribble, canny, segmentation, mask, depth\.$/);
  });

  it('is no condition of an experiment that is about its own', () => {
    expect(choiceOptions({}).map((option) => option.attributeName())).toEqual(['seeds', 'base']);
  });

  it('takes a name as it is and a folder from where it was typed', () => {
    expect(parse('one', 'base', 'mini:noto')).toBe('mini:noto');
    expect(parse('one', 'base', 'my-base')).toBe(`${process.cwd()}/my-base`);
  });

  it.each(['0', '1.5', '-1', 'two'])('refuses %s seeds', (text) => {
    expect(() => parse('one', 'seeds', text)).toThrow(/whole number of at least 1/);
  });
});
