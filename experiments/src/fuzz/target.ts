/** What a parser made of a file, as texts that are compared. */
export interface Reading {
  /** What the file is made of, as far as its user relies on it: names, shapes, counts. A damaged file is never accepted with another. */
  readonly structure: string;
  /** The values: formats without a checksum cannot tell that these were damaged. */
  readonly payload: string;
}

/** A parser that is given damaged files. */
export interface Target {
  readonly name: string;
  /** Whole files: what is damaged begins as one of them. */
  samples(): Promise<readonly Uint8Array[]>;
  /** Puts what the parser needs beside the file into an empty folder. @returns where the file belongs */
  place(folder: string): Promise<string>;
  /** Files that are hostile from the first byte to the last; each must be refused. */
  hostile?(): readonly Uint8Array[];
  /** A text file: its numbers, keys, lines and brackets are damaged, too. */
  readonly text?: boolean;
  /** A text or program inside, which is damaged and put back with lengths and checksums that fit. */
  readonly inner?: { readonly text: boolean; open(file: Uint8Array): Uint8Array; close(inner: Uint8Array, file: Uint8Array): Uint8Array };
  /** Reads the file as its user does: what it gets from a whole one must be the same twice. */
  read(file: string): Promise<Reading>;
}
