import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Vitest's global set-up: temporary files of all tests lie in one folder, which goes with them, whatever a test leaves behind. */
export default function setup() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'controllab-tests-'));
  // Workers are started behind this and inherit it; os.tmpdir() reads TMPDIR on POSIX, TEMP and TMP on Windows.
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) process.env[name] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
