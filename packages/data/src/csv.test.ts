import { describe, expect, it } from 'vitest';
import { csvDelimiter, parseCsv } from './csv.ts';

const fail = (message: string): never => {
  throw new RangeError(message);
};

describe('parseCsv', () => {
  it.each<[string, string, string | undefined, string, readonly [readonly string[], number][]]>([
    ['a comma within quotes', '"a, b";c\n1;2\n', undefined, ';', [[['a, b', 'c'], 1], [['1', '2'], 2]]],
    ['a .tsv with a comma in its header', 'image\ttext, long\nx\ty, z\n', 'T.TSV', '\t', [[['image', 'text, long'], 1], [['x', 'y, z'], 2]]],
    ['a comma in a name, by the first row', 'image\ttext, long\nx\ty\n', undefined, '\t', [[['image', 'text, long'], 1], [['x', 'y'], 2]]],
    ['semicolons in a name', 'file,tags (a;b;c)\nx,"1;2;3"\n', undefined, ',', [[['file', 'tags (a;b;c)'], 1], [['x', '1;2;3'], 2]]],
    ['what Excel declares', 'sep=;\na,b;c\n1;2\n', undefined, ';', [[['a,b', 'c'], 2], [['1', '2'], 3]]],
    ['the same behind a mark, with CRLF', '\ufeff"sep=|"\r\na|b\r\n', undefined, '|', [[['a', 'b'], 2]]],
    ['a byte order mark', '\ufeff"a;b",c\n', undefined, ',', [[['a;b', 'c'], 1]]],
    ['CRLF, kept within quotes', 'a;b\r\n"1\r\n2";3\r\n\r\n4;5\r\n', undefined, ';', [[['a', 'b'], 1], [['1\r\n2', '3'], 2], [['4', '5'], 5]]],
    ['CR alone', 'a,b\r1,2\r', undefined, ',', [[['a', 'b'], 1], [['1', '2'], 2]]],
    ['one column', 'a b\n1;2\n', undefined, ',', [[['a b'], 1], [['1;2'], 2]]],
    ['nothing', '', undefined, ',', []],
  ])('reads %s', (_, text, file, delimiter, rows) => {
    expect(parseCsv(text, fail, { file })).toEqual({ delimiter, rows: rows.map(([record, line]) => ({ record, line })) });
  }); // prettier-ignore

  it.each([
    ['rows of other lengths', 'a,b\n1\n', /^is no CSV table: Invalid Record Length/],
    ['a last row cut short', 'a,b\n1,2', /^its last row does not end with a line break/],
    ['a quote that is not closed', 'a,b\n1,"2\n', /^is no CSV table: Quote Not Closed/],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseCsv(text, fail)).toThrow(message);
  });

  it('gives uneven rows to who asks for them', () => {
    const { rows } = parseCsv('a,b\n1\n2,3,4', fail, { uneven: true });
    expect(rows.map(({ record }) => record)).toEqual([['a', 'b'], ['1'], ['2', '3', '4']]);
  });
});

it('decides between delimiters by the header where no row does', () => {
  expect(['a;b,c;d', 'a,b', 'a,\tb', 'a;b,c;d\n1', 'a'].map((text) => csvDelimiter(text))).toEqual([';', ',', ',', ';', ',']);
});
