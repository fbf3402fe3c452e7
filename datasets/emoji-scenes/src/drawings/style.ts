import { EmojiScenesError } from '../emoji-scenes-error.ts';

/** The four artists' sets. The same scene can be drawn in each: one caption, four "community models". */
export const styles = ['openmoji', 'twemoji', 'noto', 'fluent'] as const;

export type Style = (typeof styles)[number];

/** Narrows a string from a flag or a file to a style; throws `unknown-style` listing the valid ones. */
export function parseStyle(name: string): Style {
  const style = styles.find((known) => known === name);
  if (!style) throw new EmojiScenesError('unknown-style', `Unknown style "${name}". Styles: ${styles.join(', ')}.`, { style: name });
  return style;
}
