/** Lower-cased words and punctuation marks. A hyphen or apostrophe inside a word belongs to it: `t-shirt` and `man’s` are one word each. */
export function splitWords(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+(?:[-’'][\p{L}\p{N}]+)*|[^\s\p{L}\p{N}]/gu) ?? [];
}
