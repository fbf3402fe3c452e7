import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkOutput } from './check-output.ts';
import { asLesserUser, hasLesserUser } from './testing/lesser-user.ts';

let root: string;
const at = (...names: string[]) => path.join(root, ...names);
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'check-output-'));
  fs.mkdirSync(at('folder'));
  fs.writeFileSync(at('file'), 'mine');
});
afterEach(() => fs.rmSync(root, { recursive: true }));

describe('checkOutput', () => {
  it('leaves everything as it was where one can write', async () => {
    for (const name of ['file', 'new', 'folder/new', 'a/b/new']) await checkOutput(at(name), 'file');
    for (const name of ['folder', 'new', 'a/b/new']) await checkOutput(at(name), 'folder');
    expect(fs.readdirSync(root, { recursive: true }).sort()).toEqual(['file', 'folder']);
    expect(fs.readFileSync(at('file'), 'utf8')).toBe('mine');
  });

  it.each([
    ['folder', 'file', /it is a folder; name a file/],
    ['file', 'folder', /it is a file; name a folder/],
    ['file/below', 'file', /already|where a folder is needed/],
    ['file/below/it', 'folder', /where a folder is needed/],
    ['n'.repeat(300), 'file', /the name is too long/],
    // It would fit itself, but not under the temporary name that it is written under.
    ['n'.repeat(250), 'file', /the name is too long/],
    ['n'.repeat(300), 'folder', /the name is too long/],
  ] as const)('says what is in the way of %s as a %s', async (name, kind, message) => {
    await expect(checkOutput(at(name), kind)).rejects.toThrow(message);
    await expect(checkOutput(at(name), kind)).rejects.toMatchObject({ name: 'DataError', code: 'file-write' });
    expect(fs.readdirSync(root, { recursive: true }).sort()).toEqual(['file', 'folder']);
  });

  it('refuses devices and an empty name', async () => {
    await expect(checkOutput('/dev/null', 'file')).rejects.toThrow('it is no ordinary file');
    await expect(checkOutput('', 'file')).rejects.toThrow('its name is empty');
  });

  it.skipIf(!hasLesserUser)('refuses a folder that is read-only', async () => {
    fs.chmodSync(root, 0o711);
    fs.chmodSync(at('folder'), 0o555);
    await asLesserUser(async () => {
      await expect(checkOutput(at('folder/new'), 'file')).rejects.toThrow(/folder\/new cannot be written: .*: permission denied\./);
      await expect(checkOutput(at('folder'), 'folder')).rejects.toThrow(/folder cannot be written: .*: permission denied\./);
    });
    expect(fs.readdirSync(at('folder'))).toEqual([]);
  });

  it.skipIf(!fs.existsSync('/proc/self'))('refuses what is no place for files, whoever asks', async () => {
    await expect(checkOutput('/proc/self/new', 'file')).rejects.toThrow(/^\/proc\/self\/new cannot be written: \S+\.tmp: /);
    await expect(checkOutput('/proc/self', 'folder')).rejects.toMatchObject({ name: 'DataError', code: 'file-write' });
  });
});
