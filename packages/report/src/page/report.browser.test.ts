import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SAMPLE_REPORT } from '../testing/sample-report.ts';
import { writeIndex } from '../runs/write-index.ts';
import { writeReport } from '../write/write-report.ts';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const installed = existsSync(CHROMIUM);

// Vitest prints the name of a skipped suite: it says what is missing and how to get it.
describe.skipIf(!installed)(
  `a report in a browser${installed ? '' : ` (skipped: no browser at ${CHROMIUM}; apt install chromium, or set CHROMIUM)`}`,
  () => {
    let dir: string;
    let browser: Browser;
    beforeAll(async () => {
      dir = await mkdtemp(path.join(tmpdir(), 'report-'));
      await writeReport(dir, SAMPLE_REPORT);
      browser = await chromium.launch({
        executablePath: CHROMIUM,
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
          '--no-first-run',
        ],
      });
    });
    afterAll(async () => {
      await browser?.close();
      await rm(dir, { recursive: true });
    });

    /** Opens the report, fails on anything said on the console and on any request that leaves the disk. */
    const withPage = async (options: BrowserContextOptions, check: (page: Page) => Promise<void>): Promise<void> => {
      const context = await browser.newContext(options);
      try {
        const page = await context.newPage();
        const complaints: string[] = [];
        page.on('console', (message) => complaints.push(message.text()));
        page.on('pageerror', (error) => complaints.push(error.message));
        page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
        page.on('request', (request) => {
          if (!/^(file|data|blob):/.test(request.url())) complaints.push(`network: ${request.url()}`);
        });
        await page.goto(pathToFileURL(path.join(dir, 'index.html')).href);
        // Not waitForFunction, which the page's own Content-Security-Policy forbids.
        await page.locator('.plot-area .main-svg .trace, .plot-area .main-svg .bars').nth(5).waitFor({ state: 'attached' });
        await check(page);
        expect(complaints).toEqual([]);
      } finally {
        await context.close();
      }
    };

    // Strings: this workspace compiles without the DOM's types.
    const overflow = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    const background = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const tickColour = (page: Page) => page.evaluate<string>(`getComputedStyle(document.querySelector('.plot-area .xtick text')).fill`);

    it('draws figures and images from disk alone, with no overflow, on a wide screen', async () => {
      await withPage({ viewport: { width: 1440, height: 900 } }, async (page) => {
        expect(await overflow(page)).toBe(0);
        expect(await page.evaluate('[...document.images].every((image) => image.complete && image.naturalWidth > 0)')).toBe(true);
        expect(await page.locator('.plotlyjsicon, [data-title*="cloud" i]').count()).toBe(0);
        // Facts stand first, the one that was not measured among them.
        expect(await page.locator('.claims .badge').allInnerTexts()).toEqual([
          '\u2013 not judged',
          '\u2713 reproduced',
          '\u223c inconclusive',
          '\u223c inconclusive',
          '\u2013 not judged: 3 trainings',
        ]);
        // The first screen says what came out and shows it.
        const bottom = (selector: string) =>
          page
            .locator(selector)
            .first()
            .evaluate((element) => element.getBoundingClientRect().bottom);
        expect(await bottom('.takeaway')).toBeLessThan(900);
        expect(await bottom('.lead .frame')).toBeLessThan(900);
        // One picture of each grid is a stop of the Tab key.
        expect(await page.locator('#grid .enlarge:not([tabindex])').count()).toBe(1);
      });
    });

    it('scrolls only inside tables and grids on a phone, with row headers in sight', async () => {
      await withPage({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }, async (page) => {
        expect(await overflow(page)).toBe(0);
        const left = await page.locator('#grid .scroll').evaluate((scroller) => {
          scroller.scrollLeft = 100;
          return {
            moved: scroller.scrollLeft,
            header: scroller.querySelector('tbody th')!.getBoundingClientRect().left - scroller.getBoundingClientRect().left,
          };
        });
        expect(left).toEqual({ moved: 100, header: 0 });
      });
    });

    it('follows the theme of the reader, figures included, while it is open', async () => {
      await withPage({ colorScheme: 'light' }, async (page) => {
        const light = [await background(page), await tickColour(page)];
        await page.emulateMedia({ colorScheme: 'dark' });
        await expect.poll(() => tickColour(page)).not.toBe(light[1]);
        const dark = [await background(page), await tickColour(page)];
        expect(light[0]).toBe('rgb(250, 249, 247)');
        expect(dark[0]).toBe('rgb(19, 22, 25)');
        expect(dark[1]).toBe('rgb(162, 171, 180)');
      });
    });

    it('prints in the light theme from a dark screen', async () => {
      await withPage({ colorScheme: 'dark' }, async (page) => {
        await page.evaluate(`dispatchEvent(new Event('beforeprint'))`);
        expect(await background(page)).toBe('rgb(250, 249, 247)');
        await page.evaluate(`dispatchEvent(new Event('afterprint'))`);
        expect(await background(page)).toBe('rgb(19, 22, 25)');
      });
    });

    it('enlarges an image by keyboard, moves with the arrows and gives the focus back', async () => {
      await withPage({ viewport: { width: 1440, height: 900 } }, async (page) => {
        await page.locator('.enlarge').first().focus();
        await page.keyboard.press('Enter');
        expect(await page.locator('#enlarged-title').innerText()).toBe('no prompt \u00b7 Condition');
        await page.keyboard.press('ArrowRight');
        await page.keyboard.press('ArrowDown');
        expect(await page.locator('#enlarged-title').innerText()).toBe(
          'insufficient prompt \u00b7 ControlNet: zero convolutions \u00b7 F1 0.80',
        );
        // 64 px in a window of 900: ten or more whole pixels each.
        const width = await page.locator('dialog .frame').evaluate((frame) => frame.clientWidth);
        expect(width % 64).toBe(0);
        expect(width).toBeGreaterThanOrEqual(640);
        await page.keyboard.press('Escape');
        const focused = (): Promise<string> =>
          page.evaluate(`document.activeElement.closest('tr')?.querySelector('th').firstChild.textContent`);
        await expect.poll(focused).toBe('insufficient prompt');
      });
    });

    it('lists all reports and puts two side by side', async () => {
      const reports = await mkdtemp(path.join(tmpdir(), 'reports-'));
      const context = await browser.newContext();
      try {
        const other = SAMPLE_REPORT.provenance;
        await writeReport(path.join(reports, 'ablation', 'quick-seed-1'), SAMPLE_REPORT);
        await writeReport(path.join(reports, 'ablation', 'quick-seed-2'), {
          ...SAMPLE_REPORT,
          claims: SAMPLE_REPORT.claims.slice(1),
          provenance: { ...other, finishedAt: '2026-03-15T09:26:53Z' },
        });
        await writeIndex(reports);
        const page = await context.newPage();
        const complaints: string[] = [];
        page.on('console', (message) => complaints.push(message.text()));
        page.on('pageerror', (error) => complaints.push(error.message));
        await page.goto(pathToFileURL(path.join(reports, 'index.html')).href);
        expect(await page.locator('.runs a').evaluateAll((links) => links.map((link) => link.getAttribute('href')))).toEqual([
          'ablation/quick-seed-2/index.html',
          'ablation/quick-seed-1/index.html',
        ]);
        await page.locator('input[name=differing]').check();
        const rows = await page.locator('.comparison tbody tr').allInnerTexts();
        expect(rows).toHaveLength(2);
        expect(rows[0]).toContain('Zero convolutions follow the condition better than Gaussian ones (Canny edges)');
        expect(complaints).toEqual([]);
      } finally {
        await context.close();
        await rm(reports, { recursive: true });
      }
    });
  },
);
