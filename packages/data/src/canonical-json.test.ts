import { describe, expect, it } from 'vitest';
import { canonicalJson, jsonDifference, jsonHash, plainJson } from './canonical-json.ts';

describe('config', () => {
  it('hashes by content, not by key order', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined })).toBe('{"b":[1,{"c":"x","d":null}]}');
    expect(jsonHash({ a: 1, b: 2 })).toBe(jsonHash({ b: 2, a: 1 }));
    expect(jsonHash({ a: 1 })).not.toBe(jsonHash({ a: 2 }));
  });
  it('leaves of a value what JSON has of it', () => {
    expect(plainJson({ a: undefined, b: [1, undefined], c: { at: new Date(0) } })).toStrictEqual({
      b: [1, null],
      c: { at: '1970-01-01T00:00:00.000Z' },
    });
    expect(() => plainJson(undefined)).toThrow(SyntaxError);
  });
  it('lists what differs', () => {
    expect(jsonDifference({ lr: 1, net: { width: 32, mults: [1, 2] } }, { lr: 1, net: { width: 64, mults: [1, 2] }, drop: 0.5 })).toEqual([
      'drop: absent -> 0.5',
      'net.width: 32 -> 64',
    ]);
    expect(jsonDifference({ a: [1, 2] }, { a: [1, 3] })).toEqual(['a.1: 2 -> 3']);
    expect(jsonDifference({ a: 1 }, { a: 1 })).toEqual([]);
  });
});
