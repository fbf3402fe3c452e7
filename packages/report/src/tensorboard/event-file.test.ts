import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from './crc32c.ts';
import { encodeEvents, eventFileStart } from './event-file.ts';

describe('crc32c', () => {
  /** RFC 3720, appendix B.4, and the check value of the catalogue of CRCs. */
  it.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['32 rising', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['123456789', Buffer.from('123456789'), 0xe3069283],
  ])('of %s', (_, bytes, expected) => expect(crc32c(bytes)).toBe(expected));

  it('is masked by a turn and a constant', () => {
    // 0xe3069283 turned right by 15 is 0x2507c60d, plus 0xa282ead8.
    expect(maskedCrc32c(Buffer.from('123456789'))).toBe(0xc78ab0e5);
  });
});

describe('an event file', () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

  it('begins with its version', () => {
    // 24 bytes: 09 double 1.5, 1a 0d "brain.Event:2".
    expect(hex(eventFileStart(1.5)).slice(24, -8)).toBe(`09000000000000f83f1a0d${Buffer.from('brain.Event:2').toString('hex')}`);
  });

  it('holds numbers by tag', () => {
    // 09 double, 10 varint 300 = ac 02, 2a summary { 0a value { 0a "loss", 15 float 0.5 } }
    const value = `0a04${Buffer.from('loss').toString('hex')}150000003f`;
    const data = `09000000000000004010ac022a0d0a0b${value}`;
    const bytes = encodeEvents([{ wallTime: 2, step: 300, values: { loss: 0.5 } }]);
    expect(hex(bytes).slice(0, 16)).toBe('1b00000000000000');
    expect(hex(bytes).slice(24, -8)).toBe(data);
  });

  /** Read by Python's tensorboard once: see fixtures/make/read_events.py, which printed these numbers. */
  it('is the bytes that TensorBoard reads', () => {
    const png = Buffer.from('89504e470d0a1a0a', 'hex');
    const file = Buffer.concat([
      eventFileStart(1700000000),
      encodeEvents([
        { wallTime: 1700000000.25, step: 1, values: { loss: 0.125, 'learning rate': 1e-5 } },
        { wallTime: 1700000001.5, step: 123456789, values: { loss: 3.5, drawn: { width: 2, height: 1, png } } },
      ]),
    ]);
    expect(createHash('sha256').update(file).digest('hex')).toBe('1237471d9850dd3c7733babd965d6d7a169c9b41358239eaf933a19d3ebbc20c');
  });
});
