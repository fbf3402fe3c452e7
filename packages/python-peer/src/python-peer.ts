import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PythonPeerError, type PythonPeerErrorCode } from './errors.ts';

export type FoundPython = { python: string; reason: null } | { python: null; reason: string };

/** Prints those of its arguments that Python cannot find. */
const MISSING = 'import importlib.util, sys; print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name) is None))';

/** Names the Python to use; empty is as good as not set. */
const VARIABLE = 'CONTROLLAB_PYTHON';

/** null, or what keeps a Python from being used. */
function problemOf(python: string, modules: readonly string[]): { code: PythonPeerErrorCode; text: string } | null {
  const { status, stdout, stderr, error } = spawnSync(python, ['-c', MISSING, ...modules], { encoding: 'utf8' });
  if (status !== 0)
    return {
      code: 'unusable-python',
      text: error?.message ?? (stderr.trim().split('\n').at(-1) || `it ended with ${String(status)}`),
    };
  return stdout.trim() === '' ? null : { code: 'missing-modules', text: `lacks ${stdout.trim().replaceAll(' ', ', ')}` };
}

/**
 * The Python that CONTROLLAB_PYTHON names, else the first of `/usr/bin/python3` and `python3` that has these modules, or why there is none.
 * Looks for them only: importing torch takes seconds.
 * @throws PythonPeerError when the one that CONTROLLAB_PYTHON names cannot be started (unusable-python) or lacks a module (missing-modules)
 */
export function findPython(modules: readonly string[]): FoundPython {
  const named = process.env[VARIABLE];
  if (named) {
    const problem = problemOf(named, modules);
    if (problem === null) return { python: named, reason: null };
    throw new PythonPeerError(
      problem.code,
      `${VARIABLE} is ${named}, which cannot be used: ${problem.text}. Name a Python with ${modules.join(' and ')}, or unset it to have one looked for.`,
      { python: named, modules, problem: problem.text },
    );
  }
  const tried: string[] = [];
  for (const python of ['/usr/bin/python3', 'python3']) {
    const problem = problemOf(python, modules);
    if (problem === null) return { python, reason: null };
    tried.push(`${python}: ${problem.text}`);
  }
  return { python: null, reason: `no Python with ${modules.join(' and ')} (${tried.join('; ')})` };
}

/**
 * {@link findPython} for one peer of several: a Python that CONTROLLAB_PYTHON names and that lacks this one's modules may have the others'.
 * @throws PythonPeerError unusable-python when it cannot be started
 */
export function findPeerPython(modules: readonly string[]): FoundPython {
  try {
    return findPython(modules);
  } catch (error) {
    if (error instanceof PythonPeerError && error.code === 'missing-modules') return { python: null, reason: error.message };
    throw error;
  }
}

/** Where peer_common.py lies. */
const COMMON = fileURLToPath(new URL('.', import.meta.url));

/** A Python program beside ours: it gets one JSON request a line and gives one JSON reply a line, one at a time. */
export class PythonPeer {
  private readonly script: string;
  private readonly child;
  private readonly replies: AsyncIterator<string>;
  private failure: Error | null = null;

  /** @param env beside this process's own: thread counts of a BLAS, for one */
  constructor(python: string, script: URL, env: Readonly<Record<string, string>> = {}) {
    this.script = path.basename(fileURLToPath(script));
    // OpenMP's idle threads must not spin on the cores while it is our turn.
    this.child = spawn(python, [fileURLToPath(script)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        ...process.env,
        PYTHONPATH: [COMMON, process.env['PYTHONPATH'] ?? []].flat().join(path.delimiter),
        PYTHONDONTWRITEBYTECODE: '1',
        OMP_WAIT_POLICY: 'PASSIVE',
        ...env,
      },
    });
    const failed = (error: Error): void => void (this.failure = error);
    this.child.on('error', failed);
    this.child.stdin.on('error', failed);
    this.replies = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** @throws PythonPeerError peer-ended when the program has ended */
  async ask<Reply>(request: object): Promise<Reply> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.replies.next();
    if (done === true)
      throw new PythonPeerError(
        'peer-ended',
        `${this.script} ended early${this.failure === null ? '; its message is above' : `: ${this.failure.message}`}`,
        { script: this.script },
        { cause: this.failure },
      );
    return JSON.parse(value) as Reply;
  }

  close(): void {
    this.child.stdin.end();
  }
}
