import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { OUTCOMES, WRONG, type Judged, type Outcome } from './case.ts';

/** How long a case may take on a machine that does something else as well, and a child's start. */
const HANG_MS = 20_000;
const START_MS = 120_000;
/** A child that holds more is ended: whatever it reads would end the machine. */
const MOST_BYTES = 3 * 2 ** 30;
const LOOK_MS = 100;

export interface Fuzzed {
  readonly parser: string;
  readonly files: number;
  readonly counts: Readonly<Record<Outcome, number>>;
  /** Those that came out wrong, with the index that makes each again. */
  readonly wrong: readonly Judged[];
}

type Message = { ready: true } | { started: number } | Judged;

const memoryOf = ({ pid }: ChildProcess): number => {
  try {
    return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
};

/**
 * Gives a parser damaged files, in a child process, for some seconds or up to a number of them.
 * @param options.first index of the first case; the same seed and index make the same file
 */
export async function fuzz(
  parser: string,
  { seed, seconds, files = Infinity, first = 0 }: { seed: number; seconds: number; files?: number; first?: number },
): Promise<Fuzzed> {
  const judged: Judged[] = [];
  // The time that children take to start counts nowhere.
  let left = 1000 * seconds;
  while (judged.length < files && (left > 0 || judged.length === 0)) {
    const ran = await runChild(parser, { seed, first: first + judged.length, milliseconds: left, most: files - judged.length });
    judged.push(...ran.judged);
    left -= ran.milliseconds;
  }
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, judged.filter((one) => one.outcome === outcome).length]));
  return {
    parser,
    files: judged.length,
    counts: counts as Record<Outcome, number>,
    wrong: judged.filter(({ outcome }) => WRONG.includes(outcome)),
  };
}

/** One child, until the time is over, there are enough, or a case ends it. */
function runChild(
  parser: string,
  { seed, first, milliseconds, most }: { seed: number; first: number; milliseconds: number; most: number },
): Promise<{ judged: Judged[]; milliseconds: number }> {
  const child = fork(new URL('./child.ts', import.meta.url), [parser, String(seed), String(first)], {
    execArgv: ['--conditions=controllab', '--import', 'tsx', '--max-old-space-size=1024'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const judged: Judged[] = [];
  let said = '';
  child.stderr!.on('data', (part: Buffer) => (said = (said + part.toString()).slice(-2000)));
  return new Promise((resolve, reject) => {
    let [running, since, ready]: [number, number, number | null] = [first, performance.now(), null];
    let ending: Judged | null = null;
    const end = (outcome: Outcome | null, detail = ''): void => {
      if (outcome !== null) ending ??= { index: running, outcome, detail };
      clearInterval(looking);
      child.kill('SIGKILL');
    };
    const looking = setInterval(() => {
      if (memoryOf(child) > MOST_BYTES) end('memory', `over ${MOST_BYTES / 2 ** 20} MiB`);
      else if (performance.now() - since > (ready === null ? START_MS : HANG_MS))
        end('hang', `no answer in ${(ready === null ? START_MS : HANG_MS) / 1000} s`);
      else if (ready !== null && judged.length > 0 && performance.now() - ready > milliseconds) end(null);
    }, LOOK_MS);
    child.on('message', (message: Message) => {
      since = performance.now();
      if ('ready' in message) ready = since;
      else if ('started' in message) running = message.started;
      else if (judged.length < most) judged.push(message.index < 0 ? { ...message, index: running } : message);
      if (judged.length >= most) end(null);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(looking);
      if (ready === null && ending === null) return reject(new Error(`the fuzzer's child for ${parser} did not start: ${said}`));
      if (ending === null && signal !== 'SIGKILL')
        ending = { index: running, outcome: 'wrong class', detail: `the process ended (${signal ?? code}): ${said.slice(-500)}` };
      if (ending !== null) judged.push(ending);
      resolve({ judged, milliseconds: performance.now() - (ready ?? since) });
    });
  });
}
