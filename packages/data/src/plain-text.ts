// C0 and C1 controls, DEL, the line separators, and the marks that turn the direction of what follows.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g;

/**
 * A text from outside (a file's name, a label of a data set) as it may go to a terminal: on one line, and with nothing in it that moves the
 * cursor, changes colours or hides what follows.
 */
export const plainText = (text: string): string => text.replace(CONTROLS, ' ');

/** `plainText` of every line: for messages of several. */
export const plainLines = (text: string): string => text.split(/\r?\n/).map(plainText).join('\n');
