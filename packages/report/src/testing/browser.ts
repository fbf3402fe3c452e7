import { existsSync } from 'node:fs';
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
