/** A file's extension in lower case, without its dot; '' where it has none. */
export const extensionOf = (name: string): string => /\.([^./]+)$/.exec(name)?.[1]!.toLowerCase() ?? '';

/**
 * A name as it is compared: composed (NFC), since macOS hands names out decomposed and most writers of tables do not, and without the `./`
 * that tools put in front.
 */
export const comparedName = (name: string): string => name.normalize('NFC').replace(/^(\.\/)+/, '');

/** A file's name without its extension, folders included, as it is compared: what an image and its map have in common. */
export const stemOf = (name: string): string => comparedName(name).replace(/\.[^./]+$/, '');

const collator = new Intl.Collator('en', { numeric: true });

/** img2 before img10; names that differ in letter case only stand in a fixed order too. */
export const naturally = (a: string, b: string): number => collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
