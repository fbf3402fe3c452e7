import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uniform } from '@controllab/data';

/** Random moments at which the run is killed; KILLS=30 before a release. */
const KILLS = Number(process.env['KILLS'] ?? 3);

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

let root: string;
const running = new Set<ChildProcess>();
const at = (...names: string[]): string => path.join(root, ...names);
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'killed-'))));
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

/** The tiny ablation on a store and a report folder of that name. */
function start(name: string): { child: ChildProcess; ended: Promise<number | null> } {
  const main = new URL('../main.ts', import.meta.url).pathname;
  const argv = ['ablation', '--profile=tiny', `--store=${at(name, 'store')}`, `--reports=${at(name, 'reports')}`];
  const child = spawn(process.execPath, ['--conditions=controllab', '--import', 'tsx', main, ...argv], {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  running.add(child);
  const ended = new Promise<number | null>((resolve) =>
    child.once('exit', (code) => {
      running.delete(child);
      resolve(code);
    }),
  );
  return { child, ended };
}

/** Everything of a run that must not depend on how it came about: its report but for the provenance, and every weight. */
function outcome(name: string): Record<string, string> {
  const report = at(name, 'reports', 'ablation', 'tiny-seed-1');
  const results = readFileSync(path.join(report, 'results.json'), 'utf8');
  const trainings = at(name, 'store', 'training');
  return {
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

describe('the tiny ablation', () => {
  let seconds = 0;
  beforeAll(async () => {
    const began = performance.now();
    expect(await start('whole').ended).toBe(0);
    seconds = (performance.now() - began) / 1000;
  }, 600_000);

  it.skipIf(!existsSync(CHROMIUM))(
    `makes a page that opens without a complaint${existsSync(CHROMIUM) ? '' : ` (skipped: no browser at ${CHROMIUM})`}`,
    async () => {
      const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });
      try {
        for (const [page, marker] of [
          ['index.html', '.runs li'],
          ['ablation/tiny-seed-1/index.html', '.plot-area .main-svg'],
        ] as const) {
          const tab = await browser.newPage({ viewport: { width: 1440, height: 900 } });
          const complaints: string[] = [];
          tab.on('console', (message) => complaints.push(message.text()));
          tab.on('pageerror', (error) => complaints.push(error.message));
          tab.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
          await tab.goto(pathToFileURL(at('whole', 'reports', page)).href);
          await tab.locator(marker).first().waitFor({ state: 'attached' });
          expect(await tab.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0);
          expect(complaints).toEqual([]);
        }
      } finally {
        await browser.close();
      }
    },
  );

  it(
    `ends with the same bytes after ${KILLS} kills with its workers at random moments`,
    async () => {
      let finished = false;
      for (let kill = 0; kill < KILLS && !finished; kill++) {
        const { child, ended } = start('killed');
        const moment = 1000 * seconds * uniform(Date.now() % 2 ** 32, 'kill', kill, 1)[0]!;
        finished = (await Promise.race([ended, sleep(moment)])) === 0;
        // The whole process group: workers die with their parent, in the middle of whatever they do.
        if (!finished) process.kill(-child.pid!, 'SIGKILL');
        await ended;
      }
      expect(await start('killed').ended).toBe(0);
      expect(outcome('killed')).toEqual(outcome('whole'));
    },
    60_000 * (KILLS + 3),
  );

  it('ends with the same bytes in two processes at once on one store', async () => {
    const codes = await Promise.all([start('twice').ended, start('twice').ended]);
    expect(codes).toEqual([0, 0]);
    expect(outcome('twice')).toEqual(outcome('whole'));
  }, 600_000);

  it('leaves its workers stored and the same command going on when its parent is killed alone', async () => {
    cpSync(at('whole'), at('orphan'), { recursive: true });
    const [first] = readdirSync(at('orphan', 'store', 'training'));
    rmSync(at('orphan', 'store', 'training', first!), { recursive: true });
    const { child, ended } = start('orphan');
    await sleep(300 * seconds);
    child.kill('SIGKILL');
    await ended;
    expect(await start('orphan').ended).toBe(0);
    expect(outcome('orphan')).toEqual(outcome('whole'));
  }, 600_000);
});
