import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readJson } from './read-json.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'json-'));
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const read = (text: string | Buffer) => {
  const file = path.join(directory, 'config.json');
  fs.writeFileSync(file, text);
  return readJson(file);
};

it('reads an object, with the byte order mark that Windows editors write, and escaped keys', () => {
  expect(read('\ufeff{"a": {"b": [1, "]{"]}, "c\\"d": "e\\\\"}')).toEqual({ a: { b: [1, ']{'] }, 'c"d': 'e\\' });
  expect(read('{"a": {"x": 1}, "b": {"x": 2}}')).toEqual({ a: { x: 1 }, b: { x: 2 } });
});

it("reads the numbers that Python writes and JSON lacks as words, and leaves strings' letters alone", () => {
  expect(read('{"a": -Infinity, "b": [NaN, Infinity ], "c": {"d":NaN}}')).toEqual({
    a: '-Infinity',
    b: ['NaN', 'Infinity'],
    c: { d: 'NaN' },
  });
  expect(read('{"a": ": -Infinity,", "NaN": "\\": NaN,", "b": Infinity}')).toEqual({ a: ': -Infinity,', NaN: '": NaN,', b: 'Infinity' });
});

it.each([
  ['a word as a key', '{NaN: 1}', /is not JSON/],
  ['a word of another number', '{"a": -NaN}', /is not JSON/],
  ['a list', '[1]', /config\.json is not a JSON object/],
  ['a value', 'null', /is not a JSON object/],
  ['nothing', '', /is empty/],
  ['a value that breaks off', '{"a": 1', /is not JSON/],
  ['a key that stands twice', '{"a": 1, "b": {"a": 2}, "\\u0061": 3}', /names "a" twice/],
  ['absurd depth', '{"a":'.repeat(100) + '1' + '}'.repeat(100), /is nested 100 deep/],
  ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', /is a Git LFS pointer/],
  ['another encoding', Buffer.from('{"a": "\xe9"}', 'latin1'), /is not UTF-8/],
])('refuses %s', (_, text, message) =>
  expect(() => read(text)).toThrow(expect.objectContaining({ name: 'CoreBlocksError', message: expect.stringMatching(message) as string })),
);

it('names what is no file', () => {
  expect(() => readJson(directory)).toThrow(/it is no file/);
  expect(() => readJson(path.join(directory, 'none.json'))).toThrow(/cannot read .*none\.json/);
});
