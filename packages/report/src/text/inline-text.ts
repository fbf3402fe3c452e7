import { escapeHtml } from './escape.ts';

// The order matters: behind a backslash and inside `code` nothing else counts. A link goes to the web or to a file beside the report.
const MARK = /\\([\\`*[])|`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+|[\w./-]+)\)/g;

/** A text from outside, such as a file's name, as it may stand in prose: text all through, whatever marks are in it. */
export const literal = (text: string): string => text.replace(/[\\`*[]/g, '\\$&');

/** One line of prose as HTML: `code`, **strong** and [text](https://...) are known, all else is escaped. */
export const inlineText = (text: string): string => {
  let html = '';
  let end = 0;
  for (const match of text.matchAll(MARK)) {
    const [whole, mark, code, strong, label, target] = match;
    html += escapeHtml(text.slice(end, match.index));
    if (mark !== undefined) html += escapeHtml(mark);
    else if (code !== undefined) html += `<code>${escapeHtml(code)}</code>`;
    else if (strong !== undefined) html += `<strong>${escapeHtml(strong)}</strong>`;
    else html += `<a href="${escapeHtml(target!)}">${escapeHtml(label!)}</a>`;
    end = match.index + whole.length;
  }
  return html + escapeHtml(text.slice(end));
};

/** Prose as paragraphs: a blank line separates them. */
export const paragraphs = (text: string): string =>
  text
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => `<p>${inlineText(paragraph)}</p>`)
    .join('\n');
