import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, openBrowser, problemsOf, skippedText } from '../testing/browser.ts';

/** Where pages are looked for, from the workspace's root: those that are published, or PAGES. */
const FOLDER = path.join(import.meta.dirname, '../../../..', process.env['PAGES'] ?? 'reports/published');
const pages = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'));

describe.skipIf(!hasBrowser)(`pages that were made${skippedText}`, () => {
  let browser: Browser;
  beforeAll(async () => void (browser = await openBrowser()));
  afterAll(() => browser.close());

  it.each(pages)('%s opens without a complaint, its plots come, and nothing is wider than the window', async (file) => {
    expect(await problemsOf(browser, path.join(FOLDER, file))).toEqual([]);
  });
});
