import { escapeHtml } from '../text/escape.ts';
import { firstSentence } from '../text/first-sentence.ts';

/** A caption as HTML: its first sentence is its title, and what follows stands in plain type. */
export const renderCaption = (caption: string): string => {
  const title = firstSentence(caption);
  const more = caption.slice(title.length);
  return `${escapeHtml(title)}${more === '' ? '' : `<span class="caption-more">${escapeHtml(more)}</span>`}`;
};
