import { spawn, spawnSync } from 'node:child_process';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The first Python that has torch and numpy; null if there is none. Looks for them only: importing torch takes seconds. */
export function findPython(): string | null {
  const look = 'import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, ("torch", "numpy"))))';
  return ['/usr/bin/python3', 'python3'].find((python) => spawnSync(python, ['-c', look]).status === 0) ?? null;
}

export interface PeerRun {
  torch: string;
  ms: number;
  features: number[];
}

/** inception_torch.py as a child process that runs one batch at a time. */
export class InceptionPeer {
  private readonly child;
  private readonly replies: AsyncIterator<string>;

  constructor(python: string) {
    // OpenMP's idle threads must not spin on the cores while it is our turn.
    this.child = spawn(python, [fileURLToPath(new URL('inception_torch.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' } });
    this.replies = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** Features of the made-up images of that shape. */
  run(shape: readonly number[], threads: number): Promise<PeerRun> {
    return this.ask({ shape, threads });
  }

  /** Writes its state dict with torch.save, in the zip layout or the one before it; gives the number of its entries. */
  async save(file: string, layout: 'zip' | 'legacy'): Promise<number> {
    return (await this.ask<{ entries: number }>({ save: file, layout })).entries;
  }

  close(): void {
    this.child.stdin.end();
  }

  private async ask<T>(request: object): Promise<T> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.replies.next();
    if (done === true) throw new Error('inception_torch.py ended early; its message is above');
    return JSON.parse(value) as T;
  }
}
