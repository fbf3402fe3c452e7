import { describe, expect, it } from 'vitest';
import { parsePromptWeights } from './parse-weights.ts';

const parts = (text: string): [string, number][] => parsePromptWeights(text).map((part) => [part.text, Number(part.weight.toFixed(10))]);

describe("A1111's weights", () => {
  it.each<[string, [string, number][]]>([
    // What the documentation of its parse_prompt_attention gives.
    ['normal text', [['normal text', 1]]],
    [
      'an (important) word',
      [
        ['an ', 1],
        ['important', 1.1],
        [' word', 1],
      ],
    ],
    ['(unbalanced', [['unbalanced', 1.1]]],
    ['\\(literal\\]', [['(literal]', 1]]],
    ['(unnecessary)(parens)', [['unnecessaryparens', 1.1]]],
    [
      'a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).',
      [
        ['a ', 1],
        ['house', 1.573],
        [' ', 1.1],
        ['on', 1],
        [' a ', 1.1],
        ['hill', 0.55],
        [', sun, ', 1.1],
        ['sky', 1.4641],
        ['.', 1.1],
      ],
    ],
    // By hand.
    ['(cat:1.3)', [['cat', 1.3]]],
    ['((cat))', [['cat', 1.21]]],
    ['[cat]', [['cat', 0.9090909091]]],
    ['[[cat]]', [['cat', 0.826446281]]],
    [
      '(a (b:2) c: 0.5 )',
      [
        ['a ', 0.5],
        ['b', 1],
        [' c', 0.5],
      ],
    ],
    ['(cat:-1)', [['cat', -1]]],
    ['(cat:0)', [['cat', 0]]],
    ['a :) and 3:4 \\\\ x', [['a :) and 3:4 \\ x', 1]]],
    ['a) b]', [['a) b]', 1]]],
    [
      '[(cat:1.2) dog]',
      [
        ['cat', 1.0909090909],
        [' dog', 0.9090909091],
      ],
    ],
    ['', [['', 1]]],
    ['()', [['', 1]]],
  ])('%s', (text, expected) => expect(parts(text)).toEqual(expected));

  it.each([
    ['a [cat:dog:0.5]', /prompt editing.*"\[cat:dog:0\.5\]"/],
    ['[cat:10]', /prompt editing/],
    ['a [cat|dog] b', /alternating words.*"\[cat\|dog\]"/],
    ['[[cat]:dog:0.5]', /prompt editing/],
    ['a [(fat:1.2) cat:dog:5]', /prompt editing/],
    ['[[cat]|dog]', /alternating words/],
    ['a cat AND a dog', /composed prompts/],
    ['a cat BREAK a dog', /another chunk/],
    ['a {red|green} cat', /choosing among words.*"\{red\|green\}"/],
    ['a cat, embedding:bad-hands', /a learnt embedding.*"embedding:bad-hands"/],
    ['a (cat)1.3', /behind its bracket.*"\(cat\)1\.3"/],
    ['a (fat cat)++ on a mat', /behind its bracket/],
    ['(cat:1.2.3)', /":1\.2\.3\)".*no number/],
  ])('%s is refused by name', (text, message) => expect(() => parsePromptWeights(text)).toThrow(message));

  it('reads what is escaped as text', () => {
    expect(parts('\\[cat|dog\\] \\(x:1.2\\) and Andy\\{a|b}')).toEqual([['[cat|dog] (x:1.2) and Andy{a|b}', 1]]);
  });
});
