const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text made safe for HTML content and for attribute values in either kind of quote. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => HTML[character]!);

/**
 * JSON that may stand inside a `<script type="application/json">` element: no sequence in it can end the element or open a comment,
 * and U+2028/U+2029, line ends to older JavaScript parsers, are escaped. JSON.parse gives `value` back unchanged.
 */
export const jsonForScript = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
