import { expect, it } from 'vitest';
import { escapeHtml, jsonForScript } from './escape.ts';

it('escapes markup and both kinds of quotes', () => {
  expect(escapeHtml(`<script>alert("a" & 'b')</script>`)).toBe('&lt;script&gt;alert(&quot;a&quot; &amp; &#39;b&#39;)&lt;/script&gt;');
});

it('writes JSON that no script element can be closed by, and that parses back', () => {
  const value = { text: '</script><!-- & \u2028\u2029', n: 1.5 };
  const json = jsonForScript(value);
  expect(json).toBe('{"text":"\\u003c/script\\u003e\\u003c!-- \\u0026 \\u2028\\u2029","n":1.5}');
  expect(JSON.parse(json)).toEqual(value);
});
