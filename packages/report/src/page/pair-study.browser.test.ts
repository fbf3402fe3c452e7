import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { complaintsOf, hasBrowser, openBrowser, skippedText } from '../testing/browser.ts';
import { SAMPLE_STUDY, STUDY_REPORT } from '../testing/sample-study.ts';
import { writeReport } from '../write/write-report.ts';

describe.skipIf(!hasBrowser)(`a study in a browser${skippedText}`, () => {
  let dir: string;
  let browser: Browser;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'study-'));
    await writeReport(dir, STUDY_REPORT);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(dir, { recursive: true });
  });

  /** Opens the page on a phone; fails on anything said on the console and on any request that leaves the disk. */
  const withPage = async (check: (page: Page) => Promise<void>): Promise<void> => {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, acceptDownloads: true });
    try {
      const page = await context.newPage();
      const complaints = complaintsOf(page);
      await page.goto(pathToFileURL(path.join(dir, 'whose.html')).href);
      await check(page);
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0);
      expect(complaints).toEqual([]);
    } finally {
      await context.close();
    }
  };

  const heading = (page: Page): Promise<string> => page.locator('h1').innerText();
  const begin = async (page: Page, { taught, asked, seed }: { taught: number; asked: number; seed: number }): Promise<void> => {
    for (const [name, value] of Object.entries({ taught, asked, seed })) await page.fill(`input[name=${name}]`, String(value));
    await page.keyboard.press('Enter');
  };
  /** Whose a shown picture is, by its tile: those of a pair stand side by side in their file. */
  const drawnBy = async (page: Page, index: number): Promise<string> => {
    const style = await page.locator('#stage .frame').nth(index).getAttribute('style');
    return SAMPLE_STUDY.models[Number(/--tile:\s*(\d+)/.exec(style!)![1]) % 2]!;
  };

  it('teaches, asks and counts by the keyboard alone, in the order of its seed', async () => {
    await withPage(async (page) => {
      const places: string[] = [];
      for (let time = 0; time < 2; time++) {
        if (time > 0) await page.reload();
        await begin(page, { taught: 3, asked: 4, seed: 5 });
        expect(await heading(page)).toBe('To learn from: 1 of 3');
        const names = await page.locator('figcaption').allInnerTexts();
        expect([...names].sort()).toEqual(['A & co', 'B']);
        expect(await drawnBy(page, 0)).toBe(names[0]);
        await page.keyboard.press('ArrowRight');
        await page.keyboard.press('ArrowLeft');
        expect(await heading(page)).toBe('To learn from: 1 of 3');
        for (const key of ['ArrowRight', 'Enter', 'ArrowRight']) await page.keyboard.press(key);
        // An arrow does not end what is taught: it would answer, held a little long.
        expect(await heading(page)).toBe('To learn from: 3 of 3');
        await page.keyboard.press('Enter');
        for (let question = 1; question <= 4; question++) {
          expect(await heading(page)).toBe(`${question} of 4: which one did B draw?`);
          expect(await page.locator('#stage img').first().getAttribute('alt')).toMatch(/^left picture: scene \d+$/);
          const right = (await drawnBy(page, 1)) === 'B';
          places.push(`${await page.locator('#stage img').first().getAttribute('alt')} ${right}`);
          // All are right but the last.
          await page.keyboard.press(right === question < 4 ? 'ArrowRight' : 'ArrowLeft');
        }
        expect(await heading(page)).toBe('Right in 3 of 4');
        expect(await page.locator('#stage tr').allInnerTexts()).toEqual(['you\t0.75 [0.30, 0.95]', 'twelve classifiers\t0.61 ± 0.05']);
        expect(await page.locator('figcaption').innerText()).toContain('Seed 5.');
        // Focus is on the heading, so that it is read and Tab goes on from there.
        await page.keyboard.press('Tab');
        expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('Save answers as CSV');
        await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
      }
      expect(places.slice(4)).toEqual(places.slice(0, 4));
    });
  });

  it('asks picture by picture too, and saves the answers', async () => {
    await withPage(async (page) => {
      await page.check('input[value=single]');
      await begin(page, { taught: 1, asked: 2, seed: 9 });
      await page.keyboard.press('Enter');
      for (let question = 1; question <= 2; question++) {
        expect(await heading(page)).toBe(`${question} of 2: who drew it?`);
        await page.click((await drawnBy(page, 0)) === 'B' ? 'text=B →' : 'text=← A & co');
      }
      const saved = async (label: string): Promise<string> => {
        const [download] = await Promise.all([page.waitForEvent('download'), page.click(`text=${label}`)]);
        expect(download.suggestedFilename()).toMatch(/^sample-whose-seed-9\.(csv|json)$/);
        return readFile(await download.path(), 'utf8');
      };
      const result = JSON.parse(await saved('Save answers as JSON')) as { right: number; asked: number; answers: { truth: string }[] };
      expect(result).toMatchObject({
        study: 'sample/whose',
        shown: 'single',
        seed: 9,
        taught: 1,
        right: 2,
        asked: 2,
        models: ['A & co', 'B'],
      });
      expect(result.answers.map(({ truth }) => truth).sort()).toEqual(['A & co', 'B']);
      expect((await saved('Save answers as CSV')).split('\r\n')[1]).toMatch(/^sample\/whose,single,9,1,2,1,\d+,(A & co|B),\1,1,[\d.]+$/);
    });
  });

  it('says what cannot be asked', async () => {
    await withPage(async (page) => {
      await begin(page, { taught: 20, asked: 6, seed: 1 });
      expect(await page.locator('.problem').innerText()).toBe(
        'There are 25 pairs, and none that was learnt from is asked about: 20 and 6 are too many together.',
      );
      await begin(page, { taught: 0, asked: 6, seed: 1 });
      expect(await heading(page)).toBe('Which model drew it?');
    });
  });
});
