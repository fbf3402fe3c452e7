/**
 * A program of the launcher's tests: tells which signals arrive, ends 1.5 s after the first. With "patient" it waits longer for a second,
 * and ends at that; with "deaf" it listens to none.
 */
import { deliverSignalsOnce } from '../runner/signals.ts';

deliverSignalsOnce();
const received: string[] = [];
const mode = process.argv[2];
const end = (): void => {
  console.log(`got ${received.join(' ')}`);
  process.exit(received.length + 40);
};
if (mode !== 'deaf')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      received.push(signal);
      console.log(`arrived ${signal}`);
      if (mode === 'patient' && received.length > 1) end();
      else setTimeout(end, mode === 'patient' ? 60_000 : 1500);
    });
setInterval(() => {}, 1000);
console.log(
  `ready ${JSON.stringify({ argv: process.argv.slice(2), cwd: process.cwd(), malloc: process.env['MALLOC_MMAP_MAX_'] ?? null })}`,
);
