import { isMeasurement } from './cell.ts';
import { gridOf } from './film-strip.ts';
import type { BarFigure, Block, Cell, Claim, ImageGrid, LineFigure, Measurement, PairStudy, Report, Table } from './report.ts';
import { ReportError } from './report-error.ts';

const ID = /^[a-z0-9][a-z0-9-]*$/;
/** Ids that the page has of its own; its others begin with "page-". */
const RESERVED = new Set(['index', 'main', 'key-results', 'provenance', 'attribution', 'enlarged']);

const finite = (where: string, ...values: readonly (number | undefined)[]): void => {
  for (const value of values) {
    if (value !== undefined && !Number.isFinite(value))
      throw new ReportError('non-finite', `${where}: ${value} is not a finite number`, { where, value });
  }
};

const sameLength = (where: string, what: string, expected: number, got: number): void => {
  if (expected !== got) throw new ReportError('bad-shape', `${where}: expected ${expected} ${what}, got ${got}`, { where, expected, got });
};

const ordered = (where: string, interval: readonly [number, number]): void => {
  finite(where, ...interval);
  if (interval[0] > interval[1])
    throw new ReportError('bad-interval', `${where}: interval [${interval.join(', ')}] is upside down`, { where, interval });
};

/** Verdicts are about the mean of these: it must be the value that stands beside the verdict. */
const checkMean = (where: string, value: number, perTraining: readonly number[]): void => {
  const mean = perTraining.reduce((sum, one) => sum + one, 0) / perTraining.length;
  if (!(Math.abs(mean - value) <= 1e-6 * Math.max(1, Math.abs(value))))
    throw new ReportError('bad-shape', `${where}: the numbers in perTraining have the mean ${mean}, but the value shown is ${value}`, {
      where,
      mean,
      value,
    });
};

const checkMeasurement = (where: string, { value, interval, n, seeds, perTraining, range }: Measurement): void => {
  finite(where, value, n, ...seeds, ...(perTraining ?? []));
  if (range !== undefined && interval !== null && !(interval[0] >= range[0] && interval[1] <= range[1]))
    throw new ReportError('bad-interval', `${where}: interval [${interval.join(', ')}] leaves the quantity’s range [${range.join(', ')}]`, {
      where,
    });
  if (perTraining !== undefined) checkMean(where, value, perTraining);
  if (!Number.isInteger(n) || n < 1) throw new ReportError('bad-shape', `${where}: n must be a positive integer, got ${n}`, { where, n });
  const exact = interval !== null && interval[0] === value && interval[1] === value;
  if (seeds.length === 0 && !exact)
    throw new ReportError('bad-shape', `${where}: a measured number names the seeds behind it, got none`, { where });
  if (interval !== null) ordered(where, interval);
};

const checkClaim = (claim: Claim): void => {
  const where = `claim "${claim.id}"`;
  if (claim.rule.kind === 'within') ordered(where, [claim.rule.lo, claim.rule.hi]);
  else finite(where, claim.rule.bound);
  if (claim.results.length === 0) throw new ReportError('bad-shape', `${where}: expected at least one result, got none`, { where });
  const labels = claim.results.map(({ label }) => label);
  if (labels.length > 1 && (labels.includes(null) || new Set(labels).size < labels.length))
    throw new ReportError('bad-shape', `${where}: several results need a label each, all different, got ${JSON.stringify(labels)}`, {
      where,
      labels,
    });
  for (const { label, measured, paper } of claim.results) {
    const place = label === null ? where : `${where}, ${label}`;
    finite(place, paper?.value);
    if (measured === null) continue;
    checkMeasurement(place, measured);
    if (claim.basis !== 'trainings') continue;
    if (measured.perTraining === undefined)
      throw new ReportError('bad-shape', `${place}: a claim on trainings is judged by perTraining, one number a training; got none`, {
        where: place,
      });
    sameLength(place, 'numbers a training (one a seed)', measured.seeds.length, measured.perTraining.length);
  }
};

const checkCell = (where: string, cell: Cell): void => {
  if (typeof cell === 'number') finite(where, cell);
  else if (isMeasurement(cell)) checkMeasurement(where, cell);
};

const checkTable = (table: Table): void => {
  for (const row of table.rows) {
    const where = `table "${table.id}", row "${row.label}"`;
    sameLength(where, 'cells', table.columns.length, row.cells.length);
    row.cells.forEach((cell, i) => checkCell(`${where}, column "${table.columns[i]!.label}"`, cell));
  }
};

const checkLine = (figure: LineFigure): void => {
  for (const { label, x, y, band, curveOf } of figure.series) {
    const where = `figure "${figure.id}", series "${label}"`;
    if (curveOf !== undefined && !figure.series.some((other) => other.label === curveOf && other.curveOf === undefined))
      throw new ReportError('bad-id', `${where} is the curve of '${curveOf}', which the figure does not have`, { where, curveOf });
    finite(where, ...x, ...y);
    sameLength(where, 'y values', x.length, y.length);
    if (band !== undefined) {
      sameLength(where, 'intervals', x.length, band.length);
      for (const interval of band) ordered(where, interval);
    }
  }
};

const checkBar = (figure: BarFigure): void => {
  for (const { label, values } of figure.series) {
    const where = `figure "${figure.id}", series "${label}"`;
    sameLength(where, 'values', figure.categories.length, values.length);
    values.forEach((value, i) => value !== null && checkMeasurement(`${where}, "${figure.categories[i]}"`, value));
  }
};

const checkGrid = (grid: ImageGrid): void => {
  for (const row of grid.rows) {
    const where = `image grid "${grid.id}", row "${row.label}"`;
    sameLength(where, 'images', grid.columns.length, row.images.length);
    const sizes = new Set(row.images.flatMap((image) => (image === null ? [] : [`${image.width} x ${image.height}`])));
    if (sizes.size > 1)
      throw new ReportError('bad-image', `${where}: images of one row have one size, got ${[...sizes].join(', ')}`, { where });
  }
};

const checkStudy = ({ id, pairs }: PairStudy): void => {
  const where = `study "${id}"`;
  if (pairs.length < 2)
    throw new ReportError(
      'bad-shape',
      `${where}: expected two pairs at least, one to learn from and one to be asked about, got ${pairs.length}`,
      {
        where,
        pairs: pairs.length,
      },
    );
  const sizes = new Set(pairs.flatMap(({ images }) => images.map(({ width, height }) => `${width} x ${height}`)));
  if (sizes.size > 1)
    throw new ReportError('bad-image', `${where}: images of a study have one size, got ${[...sizes].join(', ')}`, { where });
};

/** Names that point at blocks and arms of the report must find them. */
const checkReferences = ({ claims, sections, lead, arms = [] }: Report): void => {
  const blocks = new Map(sections.flatMap(({ blocks }) => blocks.flatMap((block) => ('id' in block ? [[block.id, block] as const] : []))));
  const missing = (what: string, id: string): never => {
    throw new ReportError('bad-id', `${what} names '${id}', which the report does not have`, { id });
  };
  for (const { id, shownIn } of claims) if (shownIn !== undefined && !blocks.has(shownIn)) missing(`claim "${id}"`, shownIn);
  const shown = lead === undefined ? undefined : (blocks.get(lead) ?? missing('lead', lead));
  if (shown !== undefined && shown.kind !== 'image-grid' && shown.kind !== 'film-strip')
    throw new ReportError('bad-id', `lead names '${lead}', which holds no pictures`, { lead });
  const known = new Set(arms.map(({ id }) => id));
  for (const arm of [...blocks.values()].flatMap(armsOf)) if (!known.has(arm)) missing('a series or row', arm);
};

const armsOf = (block: Block): string[] => {
  const named = (items: readonly { readonly arm?: string }[]): string[] => items.flatMap(({ arm }) => (arm === undefined ? [] : [arm]));
  if (block.kind === 'table' || block.kind === 'film-strip') return named(block.rows);
  if (block.kind === 'line' || block.kind === 'bar') return named(block.series);
  if (block.kind === 'image-grid') return named([...block.rows, ...block.columns.filter((column) => typeof column !== 'string')]);
  return [];
};

/**
 * Refuses a report with numbers that are not finite, shapes that do not fit, or ids that cannot be file names, before anything is written.
 * @throws ReportError naming the place
 */
export const validateReport = (report: Report): void => {
  const ids = new Set<string>();
  const checkId = (id: string): void => {
    if (!ID.test(id)) throw new ReportError('bad-id', `id ${JSON.stringify(id)} must consist of a-z, 0-9 and "-"`, { id });
    if (RESERVED.has(id) || id.startsWith('page-'))
      throw new ReportError('duplicate-id', `id "${id}" is one that the page has itself`, { id });
    if (ids.has(id))
      throw new ReportError('duplicate-id', `id "${id}" is used twice; claims, sections and blocks share one set of ids`, { id });
    ids.add(id);
  };
  checkId(report.id);
  finite('provenance, wallSeconds', report.provenance.wallSeconds ?? undefined);
  for (const claim of report.claims) {
    checkId(claim.id);
    checkClaim(claim);
  }
  checkReferences(report);
  for (const section of report.sections) {
    checkId(section.id);
    for (const block of section.blocks) {
      if ('id' in block) checkId(block.id);
      if (block.kind === 'table') checkTable(block);
      else if (block.kind === 'line') checkLine(block);
      else if (block.kind === 'bar') checkBar(block);
      else if (block.kind === 'pair-study') checkStudy(block);
      const grid = gridOf(block);
      if (grid !== null) checkGrid(grid);
      if (block.kind === 'line' || block.kind === 'bar')
        finite(`figure "${block.id}", references`, ...(block.references ?? []).map(({ y }) => y));
    }
  }
};
