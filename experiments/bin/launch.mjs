import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** glibc hands large freed tensors back to the kernel and faults them in again at every training step: keep them in the heap. */
const TRAINING = { MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: '17179869184', MALLOC_TOP_PAD_: '268435456' };
/** It keeps the buffers that loading a large model frees, a second copy of its convolutions: give all above 1 MiB back to the kernel. */
const LOADING = { MALLOC_MMAP_THRESHOLD_: '1048576' };
/** Commands that do not train. */
const OTHERS = {
  generate: LOADING,
  latency: LOADING,
  'training-step': LOADING,
  data: {},
  fetch: {},
  fit: {},
  fixtures: {},
  parameters: {},
  people: {},
  sweep: {},
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a TypeScript file of the workspace as the program, from whichever folder, and ends as it ends. It is a process of its own because it
 * needs flags of Node's, and because glibc reads its settings when a process starts. Standard streams, folder and arguments are the user's.
 */
export function launch(file, argv) {
  const child = spawn(process.execPath, ['--conditions=controllab', '--import', import.meta.resolve('tsx'), fileURLToPath(file), ...argv], {
    stdio: 'inherit',
    // What the user has set stays.
    env: { ...(OTHERS[argv[0]] ?? TRAINING), ...process.env },
  });
  // A terminal sends its signals to both processes, kill to this one alone: the program takes what comes twice for one (runner/signals.ts).
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`cannot start ${process.execPath}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    for (const one of SIGNALS) process.removeAllListeners(one);
    process.kill(process.pid, signal);
  });
}
