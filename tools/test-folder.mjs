import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const PREFIX = 'controllab-tests-';

/**
 * Vitest's global set-up: temporary files of all tests lie in one folder, which goes with them, whatever a test leaves behind. Every project
 * calls it, and the first one makes the folder: one within another makes paths that are too long for sockets.
 */
export default function setup() {
  if (path.basename(os.tmpdir()).startsWith(PREFIX)) return () => {};
  const folder = mkdtempSync(path.join(os.tmpdir(), PREFIX));
  // Tests that become another user, whom permissions bind, go through it to their own folder.
  chmodSync(folder, 0o711);
  // Workers are started behind this and inherit it; os.tmpdir() reads TMPDIR on POSIX, TEMP and TMP on Windows.
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) process.env[name] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
