/** A program of the launcher's tests: tells which signals arrive, ends 1.5 s after the first. With "deaf" it listens to none. */
import { deliverSignalsOnce } from '../runner/signals.ts';

deliverSignalsOnce();
const received: string[] = [];
if (process.argv[2] !== 'deaf')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      received.push(signal);
      setTimeout(() => {
        console.log(`got ${received.join(' ')}`);
        process.exit(received.length + 40);
      }, 1500);
    });
setInterval(() => {}, 1000);
console.log(
  `ready ${JSON.stringify({ argv: process.argv.slice(2), cwd: process.cwd(), malloc: process.env['MALLOC_MMAP_MAX_'] ?? null })}`,
);
