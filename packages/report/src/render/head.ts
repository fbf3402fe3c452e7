import { escapeHtml } from '../text/escape.ts';

/**
 * Everything comes from the report's own folder: nothing that a text from outside might say can load or run. Figures set styles on
 * elements, and a page opened from a disk has no origin but its scheme.
 */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data: blob:; connect-src blob: data:; base-uri 'none'; form-action 'none'";

/** The head of a page of this package. Addresses are relative to it. */
export const pageHead = (
  title: string,
  { styles, scripts, reloadSeconds }: { styles: readonly string[]; scripts: readonly string[]; reloadSeconds?: number },
): string => `<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${CONTENT_SECURITY_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="controllab">${reloadSeconds === undefined ? '' : `\n<meta http-equiv="refresh" content="${reloadSeconds}">`}
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
${styles.map((style) => `<link rel="stylesheet" href="${style}">`).join('\n')}
${scripts.map((script) => `<script defer src="${script}"></script>`).join('\n')}
</head>`;
