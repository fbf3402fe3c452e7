import type { Variable } from '../fit/laws.ts';

/** Which columns are meant, where their names do not say it. */
export interface ColumnFlags {
  params?: string;
  examples?: string;
  flops?: string;
  loss?: string;
}

/** What a column can hold. */
export type Quantity = Variable | 'loss';

/** A column that is read. */
export interface Column {
  readonly quantity: Quantity;
  readonly index: number;
  /** As the header has it. */
  readonly name: string;
  /** What its numbers are multiplied by: a million for "params (M)". */
  readonly factor: number;
}

/** Refuses a table. */
export type Fail = (message: string, values?: Record<string, unknown>) => never;

/** Names that are known. A single letter may mean something else (layers, width): it counts where no longer name is found. */
const KNOWN: Record<Quantity, readonly string[]> = {
  N: ['N', 'params', 'parameters', '#params', 'model size', 'num params', 'n params', 'param count', 'model parameters'],
  D: ['D', 'tokens', 'examples', 'training tokens', 'dataset size', 'data size', 'num tokens', 'n tokens', 'images', 'samples', 'size'],
  C: ['C', 'flops', 'flop', 'training flop', 'training flops', 'compute', 'total flops'],
  loss: ['loss', 'L', 'final loss', 'validation loss', 'val loss', 'eval loss', 'test loss', 'train loss', 'y'],
};
const FLAGS: Record<Quantity, keyof ColumnFlags> = { N: 'params', D: 'examples', C: 'flops', loss: 'loss' };
const QUANTITIES = Object.keys(KNOWN) as Quantity[];

const UNITS: Readonly<Record<string, number>> = {
  ...{ k: 1e3, thousand: 1e3, thousands: 1e3 },
  ...{ m: 1e6, mn: 1e6, million: 1e6, millions: 1e6 },
  ...{ b: 1e9, bn: 1e9, g: 1e9, billion: 1e9, billions: 1e9 },
  ...{ t: 1e12, trillion: 1e12, trillions: 1e12 },
};

const plainName = (name: string): string => name.toLowerCase().replace(/[\s_.-]/g, '');
const QUANTITY_OF = new Map(QUANTITIES.flatMap((quantity) => KNOWN[quantity].map((name) => [plainName(name), quantity] as const)));

/** What a name of the header says. */
interface Heading {
  /** Without its unit, in lower case, without spaces, dots, hyphens and underscores. */
  readonly plain: string;
  readonly factor: number;
  /** A unit in brackets that is not known. */
  readonly unknownUnit: string | null;
}

/** "M", "in billions", "x 10^6". */
function factorOf(unit: string): number | undefined {
  const word = unit
    .trim()
    .toLowerCase()
    .replace(/^(in\s+|[x×*]\s*)/, '');
  const power = /^(?:10\s*(?:\^|\*\*)\s*|1e\+?)(\d+)$/.exec(word)?.[1];
  return power === undefined ? (Object.hasOwn(UNITS, word) ? UNITS[word] : undefined) : 10 ** Number(power);
}

/** @param named whether a flag names the column: then its stem may be any */
function headingOf(name: string, named: boolean): Heading {
  const whole = { plain: plainName(name), factor: 1, unknownUnit: null };
  if (QUANTITY_OF.has(whole.plain)) return whole;
  const bracket = /^(.*?)\s*[([]([^()[\]]*)[)\]]$/.exec(name);
  if (bracket !== null) {
    const [plain, factor] = [plainName(bracket[1]!), factorOf(bracket[2]!)];
    // A law of the loss is the same in every unit of it.
    if (QUANTITY_OF.get(plain) === 'loss') return { ...whole, plain };
    // "N (params)" says the same twice.
    if (QUANTITY_OF.has(plain) && QUANTITY_OF.get(plainName(bracket[2]!)) === QUANTITY_OF.get(plain)) return { ...whole, plain };
    return factor === undefined ? { ...whole, plain, unknownUnit: bracket[2]!.trim() } : { ...whole, plain, factor };
  }
  const suffix = /^(.*?)[\s_.,/-]+((?:in\s+|[x×*]\s*)?[^\s_.,/-]+)$/i.exec(name);
  if (suffix === null) return whole;
  const [stem, unit] = [suffix[1]!, suffix[2]!];
  const [plain, factor] = [plainName(stem), factorOf(unit)];
  const isWord = plain.length > 1 && QUANTITY_OF.has(plain) && QUANTITY_OF.get(plain) !== 'loss';
  // "d_k" is the width of a head: beside a single letter, "D_B", neither is a small one.
  const isLetter = /^[NDC]$/.test(stem) && !/^[a-z]$/.test(unit);
  return factor !== undefined && (named || isWord || isLetter) ? { ...whole, plain, factor } : whole;
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(' or ');

/**
 * The columns of a header that hold the loss, parameters (N), examples (D) and operations (C): those that flags name, and of the others
 * those whose names are known. Fails where a quantity could be more than one of them, or a unit is not known.
 */
export function columnsOf(header: readonly string[], flags: ColumnFlags, fail: Fail): Column[] {
  const list = header.join(', ') || 'nothing';
  const unique = (index: number): number => {
    if (header.filter((one) => one === header[index]).length > 1)
      fail(`has the column "${header[index]}" more than once`, { column: header[index] });
    return index;
  };
  const claimed = new Map<number, Quantity>();
  for (const quantity of QUANTITIES) {
    const given = flags[FLAGS[quantity]];
    if (given === undefined) continue;
    const index = header.indexOf(given);
    if (index === -1) fail(`has no column "${given}" (--${FLAGS[quantity]}); its columns are ${list}`, { column: given });
    const other = claimed.get(unique(index));
    if (other !== undefined) fail(`--${FLAGS[other]} and --${FLAGS[quantity]} both name the column "${given}"`, { column: given });
    claimed.set(index, quantity);
  }
  const headings = header.map((name, index) => headingOf(name, claimed.has(index)));
  const found = QUANTITIES.flatMap((quantity): Column[] => {
    const column = (index: number): Column[] => [
      { quantity, index, name: header[index]!, factor: quantity === 'loss' ? 1 : headings[index]!.factor },
    ];
    const named = [...claimed].find(([, one]) => one === quantity);
    if (named !== undefined) return column(named[0]);
    const free = [...header.keys()].filter((index) => !claimed.has(index) && QUANTITY_OF.get(headings[index]!.plain) === quantity);
    const words = free.filter((index) => headings[index]!.plain.length > 1);
    const candidates = words.length > 0 ? words : free;
    if (candidates.length === 0) return [];
    const [index] = candidates as [number];
    unique(index);
    if (candidates.length > 1)
      fail(`${quantity} could be ${quoted(candidates.map((one) => header[one]!))}: name it with --${FLAGS[quantity]}`, { header });
    const { unknownUnit } = headings[index]!;
    if (unknownUnit !== null)
      fail(
        `"${header[index]}" has a unit that is not known (k, M, B, G, T, thousand, million, billion, trillion and 10^6 are): write one of these, or take its numbers as they are with --${FLAGS[quantity]}`,
        { column: header[index] },
      );
    return column(index);
  });
  if (header.length === 1) fail(`has one column, "${header[0]}": its fields are separated by commas, semicolons or tabs`, { header });
  const bySize = found.find(({ quantity, index }) => quantity === 'D' && headings[index]!.plain === 'size' && !claimed.has(index));
  const has = (quantity: Quantity): boolean => found.some((column) => column.quantity === quantity);
  // Of data, where it stands alone; beside operations or parameters it is as often the model's.
  if (bySize !== undefined && (has('C') || has('N')))
    fail(
      `"${bySize.name}" may be the size of the model or of its data: name it with ${has('N') ? '--examples, or give the column another name' : '--params or --examples'}`,
      { column: bySize.name },
    );
  if (!found.some(({ quantity }) => quantity === 'loss'))
    fail(`no column is known as the loss; its columns are ${list}: name it with --loss`, { header });
  if (found.length === 1)
    fail(
      `no column is known as parameters (N), examples (D) or operations (C); its columns are ${list}: name them with --params, --examples, --flops`,
      { header },
    );
  return found;
}
