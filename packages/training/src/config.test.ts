import { describe, expect, it } from 'vitest';
import { canonicalJson, configDifference, configHash } from './config.ts';

describe('config', () => {
  it('hashes by content, not by key order', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined })).toBe('{"b":[1,{"c":"x","d":null}]}');
    expect(configHash({ a: 1, b: 2 })).toBe(configHash({ b: 2, a: 1 }));
    expect(configHash({ a: 1 })).not.toBe(configHash({ a: 2 }));
  });
  it('lists what differs', () => {
    expect(configDifference({ lr: 1, net: { width: 32, mults: [1, 2] } }, { lr: 1, net: { width: 64, mults: [1, 2] }, drop: 0.5 })).toEqual(
      ['drop: absent -> 0.5', 'net.width: 32 -> 64'],
    );
    expect(configDifference({ a: [1, 2] }, { a: [1, 3] })).toEqual(['a.1: 2 -> 3']);
    expect(configDifference({ a: 1 }, { a: 1 })).toEqual([]);
  });
});
