import { expect, it } from 'vitest';
import { escapeHtml } from './escape.ts';
import { inlineText, literal, paragraphs } from './inline-text.ts';

it('knows code, strong and links, and escapes everything else', () => {
  expect(inlineText('a `x < **y**` and **b & c**')).toBe('a <code>x &lt; **y**</code> and <strong>b &amp; c</strong>');
  expect(inlineText('[paper](https://arxiv.org/abs/2302.05543?a="b")')).toBe(
    '<a href="https://arxiv.org/abs/2302.05543?a=&quot;b&quot;">paper</a>',
  );
  expect(inlineText('<script>alert(1)</script>')).toBe('&lt;script&gt;alert(1)&lt;/script&gt;');
});

it('links nowhere but to the web and to files', () => {
  expect(inlineText('[x](javascript:alert(1))')).not.toContain('<a');
  expect(inlineText('[x](results.json)')).toContain('href="results.json"');
});

it.each(['[x](https://evil.example)', '**x** `y`.png', 'a\\[b](c)', '\\', '\\\\`', '`\\', '<b>*', '\\**x**'])(
  'takes %j from outside as text',
  (name) => {
    const text = literal(name);
    expect(inlineText(`1 other file: ${text}, ...`)).toBe(`1 other file: ${escapeHtml(name)}, ...`);
    expect(inlineText(`${text}${text} **and**`)).toBe(`${escapeHtml(name + name)} <strong>and</strong>`);
  },
);

it('separates paragraphs at blank lines', () => {
  expect(paragraphs('one\nstill one\n\n two ')).toBe('<p>one\nstill one</p>\n<p> two</p>');
});
