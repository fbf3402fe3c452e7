import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { madeUpNumbers } from './made-up-numbers.ts';
import { findPeerPython, findPython, PythonPeer } from './python-peer.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'python-peer-'));
afterAll(() => fs.rmSync(directory, { recursive: true }));

const script = (text: string): URL => {
  const file = path.join(directory, 'script.py');
  fs.writeFileSync(file, text);
  return pathToFileURL(file);
};

const { python, reason } = findPython(['json']);

afterEach(() => void vi.unstubAllEnvs());

describe('the Python that CONTROLLAB_PYTHON names', () => {
  /** An interpreter that finds every module but those that it is told to lack. */
  const interpreter = (lacks: string): string => {
    const file = path.join(directory, `python-without-${lacks || 'nothing'}`);
    fs.writeFileSync(file, `#!/bin/sh\necho ${lacks}\n`, { mode: 0o755 });
    return file;
  };

  it('comes first', () => {
    const file = interpreter('');
    vi.stubEnv('CONTROLLAB_PYTHON', file);
    expect(findPython(['torch'])).toEqual({ python: file, reason: null });
  });

  it('is no other when it lacks a module, cannot be started or fails', () => {
    const lacking = interpreter('torch');
    vi.stubEnv('CONTROLLAB_PYTHON', lacking);
    expect(() => findPython(['torch', 'numpy'])).toThrow(
      `CONTROLLAB_PYTHON is ${lacking}, which cannot be used: lacks torch. Name a Python with torch and numpy`,
    );
    vi.stubEnv('CONTROLLAB_PYTHON', path.join(directory, 'nowhere'));
    expect(() => findPython(['json'])).toThrow(/CONTROLLAB_PYTHON is .*nowhere, which cannot be used: .*ENOENT/);
    vi.stubEnv('CONTROLLAB_PYTHON', '/bin/false');
    expect(() => findPython(['json'])).toThrow('CONTROLLAB_PYTHON is /bin/false, which cannot be used: it ended with 1');
  });

  it('may lack the modules of one peer of several, but not be what cannot be started', () => {
    const lacking = interpreter('torch');
    vi.stubEnv('CONTROLLAB_PYTHON', lacking);
    expect(() => findPython(['torch'])).toThrow(expect.objectContaining({ code: 'missing-modules' }));
    expect(findPeerPython(['torch'])).toEqual({
      python: null,
      reason: `CONTROLLAB_PYTHON is ${lacking}, which cannot be used: lacks torch. Name a Python with torch, or unset it to have one looked for.`,
    });
    const whole = interpreter('');
    vi.stubEnv('CONTROLLAB_PYTHON', whole);
    expect(findPeerPython(['torch'])).toEqual({ python: whole, reason: null });
    vi.stubEnv('CONTROLLAB_PYTHON', '/bin/false');
    expect(() => findPeerPython(['torch'])).toThrow(expect.objectContaining({ code: 'unusable-python' }));
  });

  it('is looked for where the variable is empty', () => {
    vi.stubEnv('CONTROLLAB_PYTHON', '');
    expect(findPython(['no_such_module']).reason).toContain('python3: ');
  });
});

it('says which Pythons it tried and what each lacks', () => {
  vi.stubEnv('CONTROLLAB_PYTHON', undefined);
  const found = findPython(['json', 'no_such_module']);
  expect(found.python).toBeNull();
  expect(found.reason).toMatch(python === null ? /^no Python with json and no_such_module \(.*python3: / : /python3: lacks no_such_module/);
});

it('a program that cannot be started is an error of the first request', async () => {
  const peer = new PythonPeer(path.join(directory, 'no-python'), script(''));
  await expect(peer.ask({})).rejects.toThrow(/script\.py ended early: .*ENOENT/);
});

// Vitest prints the name of a skipped suite: it says what is missing.
describe.skipIf(python === null)(`PythonPeer${python === null ? ` (skipped: ${reason})` : ''}`, () => {
  it('answers request by request, with the environment it was given', async () => {
    const echo = script(
      'import json, os, sys\nfor line in sys.stdin:\n    print(json.dumps({**json.loads(line), "threads": os.environ["OMP_NUM_THREADS"], "wait": os.environ["OMP_WAIT_POLICY"]}), flush=True)\n',
    );
    const peer = new PythonPeer(python!, echo, { OMP_NUM_THREADS: '3' });
    expect(await peer.ask({ n: 1 })).toEqual({ n: 1, threads: '3', wait: 'PASSIVE' });
    expect(await peer.ask({ n: 2 })).toMatchObject({ n: 2 });
    peer.close();
  });

  it('names the program that ended before it answered', async () => {
    const peer = new PythonPeer(python!, script('import sys\nsys.stdin.readline()\nsys.exit("out of memory")\n'));
    await expect(peer.ask({})).rejects.toThrow('script.py ended early; its message is above');
  });
});

it('made-up numbers depend on name and index alone, within their bound', () => {
  const { data, shape } = madeUpNumbers('images', [2, 3], 2);
  expect(shape).toEqual([2, 3]);
  expect([...madeUpNumbers('images', [6]).data].map((x) => 2 * x)).toEqual([...data]);
  expect(madeUpNumbers('image', [6]).data).not.toEqual(madeUpNumbers('images', [6]).data);
  expect(data.every((x) => x >= -2 && x < 2)).toBe(true);
  // Of no name the seed is 0, and so is what it makes of index 0; index 1 is murmur3's finaliser of 1: 0x514e28b7.
  expect([...madeUpNumbers('', [2]).data]).toEqual([-1, Math.fround(0x514e28b7 / 2 ** 31 - 1)]);
});

const torch = findPython(['torch', 'numpy']);
describe.skipIf(torch.python === null)(`peer_common.py${torch.python === null ? ` (skipped: ${torch.reason})` : ''}`, () => {
  it('is there for every program, with the same numbers', async () => {
    const program = script(
      'import json, sys\nfrom peer_common import numbers\nfor line in sys.stdin:\n    print(json.dumps(numbers("images", (2, 3), 2.0).flatten().tolist()), flush=True)\n',
    );
    const peer = new PythonPeer(torch.python!, program);
    expect(await peer.ask({})).toEqual([...madeUpNumbers('images', [2, 3], 2).data]);
    peer.close();
  });
});
