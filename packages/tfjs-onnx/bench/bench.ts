/**
 * Times training steps and forward passes of two U-Nets, beside this machine's own matrix product and, where it is
 * installed, PyTorch eager. One JSON document on stdout, progress on stderr.
 */
import { readOptions, USAGE, type Options } from './options.ts';

let options: Options;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
  process.exit(2);
}
// After the flags are known to be good: loading TensorFlow.js takes seconds.
const { runBench } = await import('./run-bench.ts');
await runBench(options);
