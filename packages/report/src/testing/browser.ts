import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Whether there is a browser to look at pages in. */
export const hasBrowser = existsSync(CHROMIUM);

/** Behind a suite's name, which Vitest prints of a skipped one: what is missing and how to get it. */
export const skippedText = hasBrowser ? '' : ` (skipped: no browser at ${CHROMIUM}; apt install chromium, or set CHROMIUM)`;

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  }); // prettier-ignore

/** What will be said on a page's console, and its requests that leave the disk. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!/^(file|data|blob):/.test(request.url())) complaints.push(`network: ${request.url()}`);
  });
  return complaints;
}

/**
 * Opens a page as a reader does.
 * @param marker of what the page has to show, as CSS selects it
 * @returns complaints, plots that do not come, a marker that nothing has, and what is wider than the window
 */
export async function problemsOf(browser: Browser, file: string, marker = 'body'): Promise<string[]> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  try {
    const problems = complaintsOf(page);
    page.on('requestfailed', (request) => problems.push(`failed: ${request.url()}`));
    await page.goto(pathToFileURL(file).href, { waitUntil: 'load', timeout: 100_000 });
    const all = page.locator('.plot-area');
    const drawn = all.filter({ has: page.locator('.main-svg') });
    for (let i = 0; i < 50 && (await drawn.count()) < (await all.count()); i++) await page.waitForTimeout(200);
    const [missing, beyond] = [
      (await all.count()) - (await drawn.count()),
      await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
    ];
    if ((await page.locator(marker).count()) === 0) problems.push(`nothing is there for ${marker}`);
    if (missing > 0) problems.push(`${missing} plots are not drawn`);
    if (beyond > 0) problems.push(`wider than the window by ${beyond} pixels`);
    return problems;
  } finally {
    await page.close();
  }
}
