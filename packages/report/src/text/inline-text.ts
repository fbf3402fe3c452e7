import { escapeHtml } from './escape.ts';

// The order matters: inside `code` nothing else counts. A link goes to the web or to a file beside the report.
const MARK = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+|[\w./-]+)\)/g;

/** One line of prose as HTML: `code`, **strong** and [text](https://...) are known, all else is escaped. */
export const inlineText = (text: string): string => {
  let html = '';
  let end = 0;
  for (const match of text.matchAll(MARK)) {
    const [whole, code, strong, label, target] = match;
    html += escapeHtml(text.slice(end, match.index));
    if (code !== undefined) html += `<code>${escapeHtml(code)}</code>`;
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
