import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { uniform } from '@controllab/data';
import { hasBrowser, openBrowser, problemsOf, skippedText } from '@controllab/report/testing/browser';

/** How often the run is killed; KILLS=100 before a release. */
const FEW = 4;
const KILLS = Number(process.env['KILLS'] ?? FEW);

/**
 * In what it is killed: at a random moment in the first part of a run, or at an operation on files of that kind (see kill-at.mjs). Each
 * round goes through all of them on one store, which is then compared.
 */
const PHASES = [
  { name: 'start-up', moment: 0.3 },
  { name: 'lock', pattern: '/store/.*/(want|lock)-', operations: 30 },
  { name: 'checkpoint', pattern: '/checkpoints/', operations: 200 },
  { name: 'log', pattern: '/log\\.jsonl', operations: 20 },
  { name: 'stage', pattern: '/(identity|value)\\.json|/(pictures\\.rgb|(weights|latents)\\.safetensors)', operations: 40 },
  { name: 'report', pattern: '/reports/two-arms/', operations: 200 },
  { name: 'index', pattern: '/reports/(index\\.html|assets/)', operations: 16 },
] as const;
/** Of a longer test: what is killed twice as often costs no training. */
const ROUND = KILLS <= PHASES.length ? [2, 4, 5, 6, 0, 1, 3] : [0, 1, 2, 3, 4, 2, 4, 3, 5, 6, 5, 6, 5, 6];

let root: string;
const running = new Set<ChildProcess>();
const at = (...names: string[]): string => path.join(root, ...names);
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'killed-'))));
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

/** A comparison of two arms on a store and a report folder of that name. */
function start(name: string, killAt?: object): { child: ChildProcess; ended: Promise<number | null>; said(): string } {
  const main = new URL('../testing/two-arms.ts', import.meta.url).pathname;
  const argv = ['two-arms', '--profile=tiny', '--jobs=2', `--store=${at(name, 'store')}`, `--reports=${at(name, 'reports')}`];
  const hook = killAt === undefined ? [] : ['--import', new URL('../testing/kill-at.mjs', import.meta.url).href];
  const child = spawn(process.execPath, ['--conditions=controllab', '--import', 'tsx', ...hook, main, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
    env: { ...process.env, ...(killAt === undefined ? {} : { KILL_AT: JSON.stringify(killAt) }) },
  });
  running.add(child);
  let output = '';
  child.stdout!.on('data', (part: Buffer) => (output += part.toString()));
  const ended = new Promise<number | null>((resolve) =>
    child.once('exit', (code) => {
      running.delete(child);
      resolve(code);
    }),
  );
  return { child, ended, said: () => output };
}

/** Everything of a run that must not depend on how it came about: its report but for the provenance, and every weight. */
function outcome(name: string): Record<string, string> {
  const report = at(name, 'reports', 'two-arms', 'tiny-seed-1');
  const results = readFileSync(path.join(report, 'results.json'), 'utf8');
  const trainings = at(name, 'store', 'training');
  return {
    // Nothing that a killed process left lies about.
    files: [...filesBelow(at(name, 'reports')), ...filesBelow(at(name, 'store'))].sort().join('\n'),
    results: results.slice(0, results.lastIndexOf('"provenance"')),
    ...Object.fromEntries(
      readdirSync(report)
        .filter((file) => file.endsWith('.csv'))
        .map((file) => [file, readFileSync(path.join(report, file), 'utf8')]),
    ),
    ...Object.fromEntries(
      readdirSync(trainings).map((cell) => [cell, readFileSync(path.join(trainings, cell, 'weights.safetensors')).toString('base64')]),
    ),
  };
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));

describe('a comparison of two arms', () => {
  let seconds = 0;
  let lines: string[] = [];
  beforeAll(async () => {
    const began = performance.now();
    const { ended, said } = start('whole');
    expect(await ended).toBe(0);
    seconds = (performance.now() - began) / 1000;
    lines = said().split('\n');
  }, 600_000);

  it('measures pictures in the processes that draw them, side by side', () => {
    expect(lines.filter((line) => /^ +measuring .*ControlNet/.test(line)).length).toBeGreaterThan(0);
    expect(lines.filter((line) => /^measuring/.test(line))).toEqual([expect.stringMatching(/the scenes themselves/)]);
  });

  it.skipIf(!hasBrowser)(`makes pages that open without a complaint${skippedText}`, async () => {
    const browser = await openBrowser();
    try {
      for (const [page, marker] of [
        ['index.html', '.runs li'],
        ['two-arms/tiny-seed-1/index.html', '.plot-area .main-svg'],
      ] as const)
        expect(await problemsOf(browser, at('whole', 'reports', page), marker)).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  /** Starts a run and kills it, with its workers, in a phase. @returns whether it was killed before it finished */
  async function killed(name: string, phase: (typeof PHASES)[number], random: Float64Array | Float32Array): Promise<boolean> {
    if ('moment' in phase) {
      const { child, ended } = start(name);
      const code = await Promise.race([ended, sleep(1000 * seconds * phase.moment * random[0]!)]);
      if (code !== undefined) {
        expect(code).toBe(0);
        return false;
      }
      // The whole process group: workers die with their parent, in the middle of whatever they do.
      process.kill(-child.pid!, 'SIGKILL');
      await ended;
      return true;
    }
    const ordinal = Math.floor(phase.operations ** random[0]!);
    const { ended, said } = start(name, { pattern: phase.pattern, ordinal, cut: random[1] });
    const code = await ended;
    // Killed it has none: a run that fails on what an earlier one left is no kill.
    expect([0, null], said().slice(-2000)).toContain(code);
    return code === null;
  }

  it(
    `ends with the same bytes after ${KILLS} kills, in every phase`,
    async () => {
      const counts: Record<string, number> = {};
      // Other kills each time where there are many; few are the same few, which fail for a reason of their own.
      const seed = Number(process.env['KILL_SEED'] ?? (KILLS === FEW ? 1 : Date.now() % 2 ** 32));
      for (let [kills, round] = [0, 0]; kills < KILLS; round++) {
        const name = `killed-${round}`;
        for (const [i, index] of ROUND.entries()) {
          if (kills === KILLS) break;
          const phase = PHASES[index]!;
          if (!(await killed(name, phase, uniform(seed, 'kill', ROUND.length * round + i, 2)))) continue;
          counts[phase.name] = (counts[phase.name] ?? 0) + 1;
          kills++;
        }
        expect(await start(name).ended).toBe(0);
        expect(outcome(name), `seed ${seed}, round ${round}, after ${JSON.stringify(counts)}`).toEqual(outcome('whole'));
        process.stdout.write(`${kills} kills, the same bytes: ${JSON.stringify(counts)}\n`);
        rmSync(at(name), { recursive: true });
      }
    },
    60_000 * (KILLS + 3),
  );

  it('computes again what is damaged of its store, whichever file and however, and says so', async () => {
    cpSync(at('whole'), at('damaged'), { recursive: true });
    const store = at('damaged', 'store');
    const flip = (place: (length: number) => number) => (file: string) => {
      const bytes = readFileSync(file);
      bytes[place(bytes.length)]! ^= 0x10;
      writeFileSync(file, bytes);
    };
    const damages: readonly ((file: string) => void)[] = [
      flip(() => 0),
      flip((length) => length >> 1),
      flip((length) => length - 1),
      (file) => truncateSync(file, statSync(file).size >> 1),
      (file) => truncateSync(file, 0),
      (file) => rmSync(file),
      (file) => writeFileSync(file, Buffer.alloc(statSync(file).size)),
    ];
    // One file of every cell: the last is its weights or pictures, where it has any.
    const damaged = readdirSync(store).flatMap((kind) =>
      readdirSync(path.join(store, kind))
        .sort()
        .map((cell, i) => {
          const folder = path.join(store, kind, cell);
          const files = readdirSync(folder).sort();
          const file = path.join(folder, files[i % files.length]!);
          damages[(i + Math.floor(i / files.length)) % damages.length]!(file);
          return file;
        }),
    );
    // Without its value a cell is one whose computation was interrupted.
    const told = damaged.filter((file) => path.basename(file) !== 'value.json' || existsSync(file));
    const { ended, said } = start('damaged');
    expect(await ended).toBe(0);
    expect(told.filter((file) => !said().includes(`${file} is damaged or missing: `))).toEqual([]);
    expect(outcome('damaged')).toEqual(outcome('whole'));
  }, 600_000);

  it('ends with the same bytes in two processes at once on one store', async () => {
    const both = [start('twice'), start('twice')];
    const codes = await Promise.all(both.map(({ ended }) => ended));
    expect(codes, both.map(({ said }) => said().slice(-2000)).join('\n---\n')).toEqual([0, 0]);
    expect(outcome('twice')).toEqual(outcome('whole'));
  }, 600_000);

  it('leaves its workers stored and the same command going on when its parent is killed alone', async () => {
    cpSync(at('whole'), at('orphan'), { recursive: true });
    const [first] = readdirSync(at('orphan', 'store', 'training'));
    const cell = at('orphan', 'store', 'training', first!);
    rmSync(cell, { recursive: true });
    const { child, ended, said } = start('orphan');
    const isBegun = (): boolean => existsSync(cell) && readdirSync(cell).some((name) => name === 'checkpoints' || name.startsWith('lock-'));
    await vi.waitUntil(() => isBegun() || !running.has(child), { timeout: 300_000, interval: 20 });
    child.kill('SIGKILL');
    // Had it finished, or failed, there would be a code.
    expect(await ended, said().slice(-2000)).toBeNull();
    expect(await start('orphan').ended).toBe(0);
    expect(outcome('orphan')).toEqual(outcome('whole'));
  }, 600_000);
});
