import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { complaintsOf, hasBrowser, openBrowser, skippedText } from '../testing/browser.ts';
import { SAMPLE_REPORT } from '../testing/sample-report.ts';
import { writeIndex } from '../runs/write-index.ts';
import { writeReport } from '../write/write-report.ts';

describe.skipIf(!hasBrowser)(`a report in a browser${skippedText}`, () => {
  let dir: string;
  let browser: Browser;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'report-'));
    await writeReport(dir, SAMPLE_REPORT);
    browser = await openBrowser();
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
      const complaints = complaintsOf(page);
      page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
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

  const edge = (page: Page, selector: string, side: 'bottom' | 'right') =>
    page
      .locator(selector)
      .first()
      .evaluate((element, of) => element.getBoundingClientRect()[of], side);

  it('draws figures and images from disk alone, with no overflow, on a wide screen', async () => {
    await withPage({ viewport: { width: 1440, height: 900 } }, async (page) => {
      expect(await overflow(page)).toBe(0);
      expect(await page.evaluate('[...document.images].every((image) => image.complete && image.naturalWidth > 0)')).toBe(true);
      expect(await page.locator('.plotlyjsicon, [data-title*="cloud" i]').count()).toBe(0);
      // The fact stands first and once, then primary claims, then the exploratory one; a column a control.
      expect(await page.locator('.claims .badge').allInnerTexts()).toEqual([
        '\u2713 reproduced',
        '\u2713 reproduced',
        '\u223c inconclusive',
        '\u2717 not reproduced',
        '\u2713 reproduced',
        '\u2013 not judged: not measured',
        '\u2713 reproduced',
        '\u2013 not judged: 1 training',
      ]);
      expect(await page.locator('.tally li').allInnerTexts()).toEqual([
        expect.stringMatching(/^primary\s+2 reproduced\s+1 not reproduced\s+1 inconclusive\s+1 not judged$/),
        expect.stringMatching(/^facts\s+1 reproduced$/),
        expect.stringMatching(/^exploratory\s+1 reproduced\s+1 not judged$/),
      ]);
      expect(await page.locator('.claims thead').innerText()).toMatch(/claim\s+Canny edges\s+Masks/);
      // The first screen says what came out and shows it.
      expect(await edge(page, '.takeaway', 'bottom')).toBeLessThan(900);
      for (const row of [0, 1, 2]) expect(await edge(page, `.lead tbody tr:nth-child(${row + 1}) .frame`, 'bottom')).toBeLessThan(900);
    });
  });

  it('has pictures that fit the page, and one stop of the Tab key a block', async () => {
    await withPage({ viewport: { width: 1440, height: 900 } }, async (page) => {
      for (const id of ['film-strip', 'grid', 'arms-by-prompts']) {
        expect(await page.locator(`#${id} .enlarge:not([tabindex="-1"])`).count(), id).toBe(1);
        for (const box of await page.locator(`#${id} .scroll`).all())
          expect(await box.evaluate((one) => one.scrollWidth - one.clientWidth), id).toBe(0);
      }
      // Nothing that does not scroll is a stop either.
      expect(await page.locator('main .scroll[tabindex]').count()).toBe(0);
      // Every arm has one mark: the table's, the strip's and the panels' symbols have the colour of its bars and curves.
      const colours = (selector: string) => page.locator(selector).evaluateAll((marks) => marks.map((mark) => mark.getAttribute('fill')));
      const expected = [1, 2, 3, 4].map((i) => `var(--series-${i})`);
      expect(await colours('#variants tbody .mark')).toEqual(expected);
      expect(await colours('#film-strip tbody .mark')).toEqual(expected);
      expect(await colours('#arms-by-prompts .panel:first-child .mark')).toEqual(expected);
      // The prompt of a column stands with its panel; an empty one is the column's name alone.
      expect(await page.locator('.panel:first-child .prompts').innerText()).toBe(
        'insufficient prompt: objects on a background\nconflicting prompt: a cat on a blue background\nperfect prompt: a disc left of a square',
      );
    });
  });

  it('links a claim to its figure and the numbers of that, and opens the details of the claim that a link names', async () => {
    await withPage({ viewport: { width: 1440, height: 900 } }, async (page) => {
      const links = await page.locator('#claim-zero a').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
      expect(links).toEqual(['#prompt-bars', 'prompt-bars.csv']);
      const details = page.locator('#claim-zero + tr.details details');
      expect(await details.getAttribute('open')).toBeNull();
      await page.evaluate(`location.hash = '#claim-zero'`);
      await expect.poll(() => details.getAttribute('open')).toBe('');
      expect(await details.innerText()).toContain('with Holm\u2019s correction for 5 primary results');
      expect(await details.innerText()).toMatch(/A difference of 0\.0\d+ from 0 would have shown in four of five such runs/);
      expect(await details.locator('circle.training').count()).toBe(10);
    });
  });

  it('copies the command', async () => {
    await withPage({ permissions: ['clipboard-read', 'clipboard-write'] }, async (page) => {
      await page.locator('.copy').click();
      await expect.poll(() => page.locator('.copy').innerText()).toBe('Copied');
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe('npx nx run experiments:ablation -c quick --seed=1');
    });
  });

  it('scrolls only inside tables and grids on a phone, says so at their edges, and keeps row headers in sight', async () => {
    await withPage({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }, async (page) => {
      expect(await overflow(page)).toBe(0);
      expect(await edge(page, '.takeaway', 'bottom')).toBeLessThan(844);
      expect(await edge(page, '.lead .frame', 'bottom')).toBeLessThan(844);
      const frame = page.locator('#grid .scroll-frame');
      await expect.poll(() => frame.getAttribute('class')).toBe('scroll-frame more-right');
      const left = await page.locator('#grid .scroll').evaluate((scroller) => {
        scroller.scrollLeft = 100;
        return {
          moved: scroller.scrollLeft,
          header: scroller.querySelector('tbody th')!.getBoundingClientRect().left - scroller.getBoundingClientRect().left,
        };
      });
      expect(left).toEqual({ moved: 100, header: 0 });
      await expect.poll(() => frame.getAttribute('class')).toBe('scroll-frame more-right more-left');
      // Claims and panels do not scroll: controls stand under their claim, an arm's name over its pictures.
      expect(await page.locator('.claims').evaluate((table) => table.scrollWidth - table.clientWidth)).toBe(0);
      expect(await page.locator('#claim-zero').innerText()).toMatch(/Canny edges[^]*reproduced[^]*Masks[^]*inconclusive/);
      expect(
        await page
          .locator('.panel')
          .first()
          .evaluate((panel) => panel.scrollWidth - panel.clientWidth),
      ).toBe(0);
    });
  });

  it('leaves curves their room on a phone: all series named under the axis, lines named over the plot', async () => {
    await withPage({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }, async (page) => {
      const figure = page.locator('#convergence-curve .plot-area');
      const boxes = (selector: string) =>
        figure.locator(selector).evaluateAll((all) =>
          all.map((one) => {
            const { left, top, right, bottom } = one.getBoundingClientRect();
            return { left, top, right, bottom };
          }),
        );
      const [area] = await figure.evaluateAll((all) =>
        all.map((one) => one.getBoundingClientRect().toJSON() as { left: number; bottom: number }),
      );
      const [plot] = await boxes('.nsewdrag');
      const [title] = await boxes('.xtitle');
      const names = await boxes('.legendtext');
      expect(names).toHaveLength(4);
      for (const name of names) {
        expect(name.top).toBeGreaterThan(title!.bottom);
        expect(name.bottom).toBeLessThan(area!.bottom);
      }
      expect(plot!.bottom - plot!.top).toBeGreaterThan(250);
      expect((await boxes('.ytitle'))[0]!.left).toBeGreaterThan(area!.left);
      expect((await boxes('.annotation-text'))[0]!.bottom).toBeLessThanOrEqual(plot!.top + 1);
      // Turned, it is a wide figure again.
      await page.setViewportSize({ width: 844, height: 390 });
      await expect.poll(async () => (await boxes('.legendtext'))[0]!.bottom < (await boxes('.nsewdrag'))[0]!.top).toBe(true);
      expect(await figure.evaluate((one) => one.clientHeight)).toBe(418);
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
      // A figure is as wide as paper, and afterwards as the page again.
      const width = () =>
        page
          .locator('.plot-area .main-svg')
          .first()
          .evaluate((svg) => svg.clientWidth);
      await expect.poll(width).toBe(680);
      await page.evaluate(`dispatchEvent(new Event('afterprint'))`);
      expect(await background(page)).toBe('rgb(19, 22, 25)');
      await expect.poll(width).toBeGreaterThan(700);
    });
  });

  it('enlarges an image by keyboard, moves with the arrows and gives the focus back', async () => {
    await withPage({ viewport: { width: 1440, height: 900 } }, async (page) => {
      const title = page.locator('#page-enlarged-title');
      await page.locator('#grid .enlarge').first().focus();
      await page.keyboard.press('Enter');
      expect(await title.innerText()).toBe('no prompt \u00b7 Condition');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowDown');
      expect(await title.innerText()).toBe('insufficient prompt \u00b7 ControlNet: zero convolutions \u00b7 F1 0.80');
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

  it('moves among the pictures of a block with the arrows, wherever they stand', async () => {
    await withPage({ viewport: { width: 1440, height: 900 } }, async (page) => {
      const focused = (): Promise<string> => page.evaluate('document.activeElement.dataset.title');
      await page.locator('#film-strip .enlarge').first().focus();
      expect(await focused()).toBe('condition \u00b7 a disc left of a square');
      await page.keyboard.press('ArrowRight');
      expect(await focused()).toBe('ControlNet, zero convolutions \u00b7 training step: 0 \u00b7 F1 0.32');
      await page.locator('#arms-by-prompts .enlarge').first().focus();
      for (const key of ['ArrowRight', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
      expect(await focused()).toBe(
        '1 \u00b7 ControlNet, Gaussian convolutions: insufficient prompt \u00b7 F1 0.62 \u00b7 objects on a background',
      );
      // On to the next panel.
      for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight');
      expect(await focused()).toMatch(/^2 /);
      // The Tab key comes back to where the arrows went.
      expect(await page.locator('#arms-by-prompts .enlarge[tabindex="0"]').getAttribute('data-title')).toMatch(/^2 /);
    });
  });

  it('lists all reports and puts two side by side', async () => {
    const reports = await mkdtemp(path.join(tmpdir(), 'reports-'));
    const context = await browser.newContext();
    try {
      const other = SAMPLE_REPORT.provenance;
      const claimsAlone = SAMPLE_REPORT.claims.map(({ shownIn: _shownIn, ...claim }) => claim);
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
      expect(await page.locator('.runs h2 a').evaluateAll((links) => links.map((link) => link.getAttribute('href')))).toEqual([
        'ablation/quick-seed-2/index.html',
        'ablation/quick-seed-1/index.html',
      ]);
      expect(await page.evaluate('[...document.images].every((image) => image.complete && image.naturalWidth > 0)')).toBe(true);
      // The two newest of one experiment are compared at first.
      expect(await page.locator('.comparison thead').innerText()).toMatch(
        /ablation, quick, seed 2 \u00b7 ablation\/quick-seed-2\s+ablation, quick, seed 1 \u00b7 ablation\/quick-seed-1/,
      );
      const all = await page.locator('.comparison tbody tr').count();
      await page.locator('input[name=differing]').check();
      const rows = await page.locator('.comparison tbody tr:not(:first-child)').allInnerTexts();
      expect(rows).toHaveLength(2);
      expect(all).toBeGreaterThan(20);
      expect(rows[0]).toMatch(/Zero convolutions follow .* \(Canny edges\)\s+\u2013\s+reproduced, 0\.125 \[0\.110, 0\.141\]/);
      expect(await page.locator('#compare-remark').innerText()).toMatch(/^2 of \d+ numbers and verdicts differ\.$/);
      await page.locator('select[name=b]').selectOption({ index: 1 });
      expect(await page.locator('#compare-remark').innerText()).toMatch(/^0 of/);
      // Of runs that have only their claims in common none is chosen for the reader.
      await writeReport(path.join(reports, 'ablation', 'quick-seed-2'), {
        ...SAMPLE_REPORT,
        lead: undefined,
        claims: claimsAlone,
        sections: [],
      });
      await writeIndex(reports);
      await page.reload();
      expect(await page.locator('#compare-remark').innerText()).toBe('Choose two reports.');
      expect(await page.locator('.comparison tr').count()).toBe(0);
      await page.locator('select[name=a]').selectOption({ index: 1 });
      await page.locator('select[name=b]').selectOption({ index: 2 });
      expect(await page.locator('#compare-remark').innerText()).toMatch(/^\d+ of \d+ numbers and verdicts differ\.$/);
      expect(await overflow(page)).toBe(0);
      expect(complaints).toEqual([]);
    } finally {
      await context.close();
      await rm(reports, { recursive: true });
    }
  });
});
