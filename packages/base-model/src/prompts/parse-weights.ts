import type { PromptPart } from '../base.ts';
import { BaseModelError } from '../errors.ts';

/** What one pair of round brackets multiplies by; square ones divide by it. */
const STEP = 1.1;

/** A1111's `re_attention`: escapes, brackets, a weight that closes a bracket, and text. */
const TOKENS = /\\\(|\\\)|\\\[|\\]|\\\\|\\|\(|\[|:\s*([+-]?[.\d]+)\s*\)|\)|]|[^\\()[\]:]+|:/g;

/** What prompts of A1111, ComfyUI and InvokeAI can also hold, none of which is done here; backslashes make it text. */
const OTHERS: readonly { readonly name: string; readonly found: RegExp }[] = [
  { name: 'prompt editing, [from:to:when],', found: /\[[^[\]]*:\s*[.\d]+\s*\]/ },
  { name: 'alternating words, [a|b],', found: /\[[^[\]]*\|[^[\]]*\]/ },
  { name: 'choosing among words, {a|b},', found: /\{[^{}]*\|[^{}]*\}/ },
  { name: 'composed prompts, joined by AND,', found: /\bAND\b/ },
  { name: 'BREAK, which starts another chunk of tokens,', found: /\bBREAK\b/ },
  { name: 'a learnt embedding, embedding:NAME,', found: /\bembedding:\S+/ },
  { name: 'a weight behind its bracket, (word)1.3 or (word)++, for (word:1.3),', found: /\([^()]*\)(?:\d*\.\d+|\++|--+)/ },
];

/** Brackets around words alone, from the innermost outwards, as blanks: what is around them is not theirs. */
function withoutInner(text: string): string {
  const next = text.replaceAll(/[[(][^[\]()]*[\])]/g, (inner) =>
    OTHERS.some(({ found }) => found.test(inner)) ? inner : inner.replaceAll(/[[\]():|]/g, ' '),
  );
  return next === text ? text : withoutInner(next);
}

function refuseOthers(text: string): void {
  const bare = text.replaceAll(/\\./gs, '  ');
  const flat = withoutInner(bare);
  for (const { name, found } of OTHERS) {
    const [match] = found.exec(bare) ?? found.exec(flat) ?? [];
    if (match !== undefined)
      throw new BaseModelError('invalid-argument', `${name} is not implemented: "${match}" in the prompt "${text}"`, {
        match,
        text,
      });
  }
}

function weightOf(digits: string, text: string): number {
  const weight = Number(digits);
  if (Number.isFinite(weight)) return weight;
  throw new BaseModelError('invalid-argument', `":${digits})" in the prompt "${text}" closes with no number`, { digits, text });
}

/** Neighbours of one weight are one part; a prompt has at least one. */
function joined(parts: readonly PromptPart[]): PromptPart[] {
  const out: PromptPart[] = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (last?.weight === part.weight) out[out.length - 1] = { text: last.text + part.text, weight: part.weight };
    else out.push(part);
  }
  return out.length === 0 ? [{ text: '', weight: 1 }] : out;
}

/**
 * Parts of a prompt in A1111's syntax (its `parse_prompt_attention`): (word) weighs 1.1, [word] 1/1.1, (word:1.3) 1.3, all of which
 * multiply when they are nested; \( \) \[ \] \\ are the characters. A bracket that is not closed reaches to the end.
 * @throws BaseModelError invalid-argument naming what of such syntaxes is not implemented: prompt editing, alternation, AND, BREAK,
 * embeddings
 */
export function parsePromptWeights(text: string): PromptPart[] {
  refuseOthers(text);
  const parts: { text: string; weight: number }[] = [];
  const round: number[] = [];
  const square: number[] = [];
  const multiply = (start: number, factor: number): void => parts.slice(start).forEach((part) => (part.weight *= factor));
  for (const [token, digits] of text.matchAll(TOKENS)) {
    if (token === '(') round.push(parts.length);
    else if (token === '[') square.push(parts.length);
    else if (digits !== undefined && round.length > 0) multiply(round.pop()!, weightOf(digits, text));
    else if (token === ')' && round.length > 0) multiply(round.pop()!, STEP);
    else if (token === ']' && square.length > 0) multiply(square.pop()!, 1 / STEP);
    else parts.push({ text: token.startsWith('\\') ? token.slice(1) : token, weight: 1 });
  }
  for (const start of round) multiply(start, STEP);
  for (const start of square) multiply(start, 1 / STEP);
  return joined(parts);
}
