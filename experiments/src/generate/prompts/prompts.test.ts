import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readPrompt, weightsText } from './prompt-syntax.ts';
import { readPrompts } from './read-prompts.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'prompts-'));
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

describe('a file of prompts', () => {
  const read = (name: string, content: string | Buffer) => {
    const file = path.join(directory, name);
    fs.writeFileSync(file, content);
    return readPrompts(file);
  };

  it('has one a line', async () => {
    expect(await read('a.txt', '\uFEFFa cat, "red"\r\n\r\n  \n--cat\ncafé 猫')).toEqual([
      { prompt: 'a cat, "red"' },
      { prompt: '--cat' },
      { prompt: 'café 猫' },
    ]);
  });

  it('has columns, or objects', async () => {
    const rows = [{ prompt: 'a, "b"\nc', negativePrompt: 'd', seed: 7 }, { prompt: '' }, { prompt: 'e', seed: 0 }];
    expect(await read('a.csv', '\uFEFFseed,prompt,negative_prompt\r\n7,"a, ""b""\nc",d\r\n,"",\r\n0,e,\r\n')).toEqual(rows);
    expect(await read('b.csv', 'prompt;seed\n"a, b";7\n')).toEqual([{ prompt: 'a, b', seed: 7 }]);
    const lines = [
      '{"prompt": "a, \\"b\\"\\nc", "negative_prompt": "d", "seed": 7}',
      '""',
      '',
      '{"prompt": "e", "seed": "0", "negative prompt": null}',
    ];
    expect(await read('a.jsonl', lines.join('\n'))).toEqual(rows);
    expect(await read('b.jsonl', '{"prompt": "a", "negative_prompt": ""}')).toEqual([{ prompt: 'a', negativePrompt: '' }]);
  });

  it('names conditions, by its own folder', async () => {
    for (const name of ['a.png', 'b.png']) fs.writeFileSync(path.join(directory, name), 'x');
    const file = path.join(directory, 'c.csv');
    fs.writeFileSync(file, 'condition,prompt\na.png,x\n./b.png,y\n');
    expect(await readPrompts(file, 1)).toEqual([
      { prompt: 'x', conditions: [{ file: 'a.png', place: `${file}, row 2` }] },
      { prompt: 'y', conditions: [{ file: './b.png', place: `${file}, row 3` }] },
    ]);
    const lines = path.join(directory, 'c.jsonl');
    fs.writeFileSync(lines, '{"prompt": "x", "condition": ["b.png", "a.png"]}\n');
    expect((await readPrompts(lines, 2))[0]!.conditions!.map((one) => one.file)).toEqual(['b.png', 'a.png']);
  });

  it.each<[string, string, number, RegExp]>([
    ['c.csv', 'prompt,condition\nx,a.png\ny,none.png\n', 1, /c\.csv, row 3: condition none\.png: there is no file .*none\.png/],
    ['c.csv', 'prompt,condition\nx,a.png\ny,\n', 1, /row 3: names 0 conditions for 1 control\./],
    [
      'c.csv',
      'prompt,condition\nx,a.png\n',
      2,
      /row 2: names 1 condition for 2 controls, in their order: in \.jsonl a list, "condition": \["a\.png", "b\.png"\]/,
    ],
    ['c.jsonl', '{"prompt": "x", "condition": ["a.png", "a.png"]}', 1, /line 1: names 2 conditions for 1 control/],
    ['c.jsonl', '{"prompt": "x", "condition": 3}', 1, /line 1: condition: expected a picture, or a list of them, got 3/],
    ['c.jsonl', '{"prompt": "x", "condition": ["a.png", ""]}', 2, /line 1: condition: expected a picture/],
    ['c.jsonl', '{"prompt": "x", "condition": "loras"}', 1, /line 1: condition loras: there is no file/],
    ['c.txt', 'x\n', 1, /c\.txt: 1 control and neither --condition nor a column condition \(\.csv, \.jsonl\) that names what it sees/],
  ])('%s is refused by the row whose condition is not there: %j', async (name, content, controls, message) => {
    const file = path.join(directory, name);
    fs.writeFileSync(file, content);
    fs.writeFileSync(path.join(directory, 'a.png'), 'x');
    await expect(readPrompts(file, controls)).rejects.toMatchObject({ code: 'invalid-option', message: expect.stringMatching(message) });
  });

  it.each<[string, string | Buffer, RegExp]>([
    ['a.docx', 'x', /prompts are read from \.txt, \.csv, \.jsonl, \.ndjson/],
    ['a.txt', '\n \n', /a\.txt: has no prompt/],
    ['a.txt', Buffer.from([0x63, 0xe9]), /is not UTF-8/],
    ['a.txt', 'x\n--prompt "a cat" --steps 10', /line 2: "--prompt.*flags in a line are not read/],
    ['a.csv', 'text\na\n', /row 1: expected a header with the column prompt, found text/],
    ['a.csv', 'prompt,prompt\na,b\n', /names a column twice/],
    ['a.csv', 'prompt,steps\na,20\n', /row 2: "steps" is not read/],
    ['a.csv', 'prompt,seed\na,-1\n', /row 2: seed: expected an integer in \[0, 2\^32\), got "-1"/],
    ['a.csv', 'prompt\na,b\n', /no CSV table/],
    ['a.csv', 'prompt,seed\na,12', /its last row does not end with a line break/],
    ['a.jsonl', '"a"\n{"seed": 1}', /line 2: has no prompt/],
    ['a.jsonl', '{"prompt": 3}', /line 1: prompt: expected a text, got 3/],
    ['a.jsonl', '{"prompt": "a", "seed": 1.5}', /got 1\.5/],
    ['a.jsonl', '[1]', /line 1: is not a JSON object/],
    ['a.jsonl', '{"prompt": "a", "prompt": "b"}', /names "?prompt"? twice/],
    ['a.jsonl', '{"prompt": "a", "toString": "b"}', /"toString" is not read/],
    ['a.jsonl', '"a', /line 1: is not JSON/],
    ['a.jsonl', `{"prompt": ${'['.repeat(100)}`, /line 1: is nested 101 deep/],
    ['a.jsonl', '{', /line 1: is not JSON/],
  ])('%s is refused by file and line: %j', async (name, content, message) => {
    await expect(read(name, content)).rejects.toMatchObject({ code: 'invalid-option', message: expect.stringMatching(message) });
  });

  it('is named when it is not there', async () => {
    await expect(readPrompts(path.join(directory, 'none.txt'))).rejects.toThrow(/none\.txt: cannot be read/);
  });
});

describe("A1111's syntax", () => {
  const warned: string[] = [];
  const read = (prompt: string, loraDir: string | null = null, syntax: 'a1111' | 'plain' = 'a1111') =>
    readPrompt(prompt, { syntax, loraDir }, (message) => warned.push(message));

  it('is text where nothing is weighed', () => {
    expect(read('a cat :) 2:1').text).toBe('a cat :) 2:1');
    expect(read('a \\(cat\\)').text).toBe('a (cat)');
    expect(read('(a) <b:c> [d]', null, 'plain').text).toBe('(a) <b:c> [d]');
    expect(weightsText('a')).toBeNull();
    expect(weightsText(read('a (red:1.25) [cat]').text)).toBe('"red" 1.25, "cat" 0.909');
  });

  it('leaves out what names another network, and says so', () => {
    warned.length = 0;
    expect(read('a <hypernet:x:1>cat<lora:y>').text).toBe('a cat');
    expect(warned).toEqual([
      expect.stringMatching(/^<hypernet:x:1> is left out.*"hypernet" are not implemented/),
      expect.stringMatching(/^<lora:y> is left out/),
    ]);
  });

  it('finds LoRAs by name below the folder', () => {
    fs.mkdirSync(path.join(directory, 'loras', 'b'), { recursive: true });
    for (const name of ['ink.safetensors', 'two.safetensors', path.join('b', 'two.safetensors'), path.join('b', 'oil v2.safetensors')])
      fs.writeFileSync(path.join(directory, 'loras', name), '');
    const folder = path.join(directory, 'loras');
    expect(read('<lora:ink> a <lora:oil v2:-0.5>', folder).loras).toEqual([
      { file: path.join(folder, 'ink.safetensors'), weight: 1 },
      { file: path.join(folder, 'b', 'oil v2.safetensors'), weight: -0.5 },
    ]);
    expect(() => read('<lora:two:1>', folder)).toThrow(/has several/);
    expect(() => read('<lora:ink:1:0.5>', folder)).toThrow(/one number, for U-Net and text encoder alike/);
    expect(() => read('<lora:ink:strong>', folder)).toThrow(/one number/);
  });
});
