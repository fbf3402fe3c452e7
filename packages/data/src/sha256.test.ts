import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { fileHash, sha256 } from './sha256.ts';

// FIPS 180-4's own examples: NIST, "SHA-256", CSRC examples with intermediate values; the second of a million letters.
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const MILLION = 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0';

it('hashes texts and bytes', () => {
  expect([sha256('abc'), sha256(Uint8Array.of(97, 98, 99)), sha256('a'.repeat(1e6))]).toEqual([ABC, ABC, MILLION]);
  // In UTF-8.
  expect(sha256('\u00e9')).toBe(sha256(Uint8Array.of(0xc3, 0xa9)));
});

it('hashes a file of several reads, and says what cannot be read', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sha256-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'a.txt');
  writeFileSync(file, 'a'.repeat(1e6));
  expect(await fileHash(file)).toBe(MILLION);
  await expect(fileHash(path.join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});
