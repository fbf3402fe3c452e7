// What a study asks, and what its answers come to: without a document, so that it is tested by itself. Plain JavaScript, as it runs.
(() => {
  'use strict';

  /** Uniform numbers in [0, 1) from a seed of 32 bits (mulberry32, Tommy Ettinger). */
  const randomFrom = (seed) => {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  };

  const shuffled = (items, random) => {
    const all = [...items];
    for (let i = all.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [all[i], all[j]] = [all[j], all[i]];
    }
    return all;
  };

  /** As many zeros as ones, but for one, in random order. */
  const balanced = (count, random) => {
    const extra = random() < 0.5 ? 0 : 1;
    return shuffled(
      Array.from({ length: count }, (_, i) => (i + extra) % 2),
      random,
    );
  };

  /**
   * What a person sees, from a seed alone. `taught`: pairs, `left` the model whose picture stands on the left. `asked`: pairs that were not
   * taught, each once: side by side with `left`, or of each the picture of one `model`. Both models are as often left, or shown.
   */
  const plan = ({ pairs, taught, asked, shown, seed }) => {
    const random = randomFrom(seed);
    const order = shuffled(
      Array.from({ length: pairs }, (_, i) => i),
      random,
    );
    const sides = balanced(taught, random);
    const questions = balanced(asked, random);
    return {
      taught: order.slice(0, taught).map((pair, i) => ({ pair, left: sides[i] })),
      asked: order
        .slice(taught, taught + asked)
        .map((pair, i) => (shown === 'pairs' ? { pair, left: questions[i] } : { pair, model: questions[i] })),
    };
  };

  const Z = 1.959963984540054;

  /** Share right with Wilson's 95% interval (Wilson 1927), which stays within 0 and 1. */
  const precision = (right, of) => {
    const p = right / of;
    const middle = (p + (Z * Z) / (2 * of)) / (1 + (Z * Z) / of);
    const half = (Z * Math.sqrt((p * (1 - p)) / of + (Z * Z) / (4 * of * of))) / (1 + (Z * Z) / of);
    return { value: p, interval: [Math.max(0, middle - half), Math.min(1, middle + half)] };
  };

  /** A text of CSV: quoted where it must be, and where a spreadsheet would take it for a formula. */
  const field = (value) => {
    const text = typeof value === 'string' && /^[=+\-@]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  const COLUMNS = ['study', 'shown', 'seed', 'taught', 'asked', 'question', 'pair', 'truth', 'answer', 'correct', 'seconds'];

  /** Answers as a table, a row a question; `asked` tells whether all rows are there. */
  const csv = ({ study, shown, seed, taught, asked, answers }) => {
    const rows = answers.map(
      ({ pair, truth, answer, correct, seconds }, i) =>
      [study, shown, seed, taught, asked, i + 1, pair, truth, answer, correct ? 1 : 0, seconds], // prettier-ignore
    );
    return [COLUMNS, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
  };

  globalThis.pairStudy = { plan, precision, csv };
})();
