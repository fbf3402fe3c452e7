import type { BarFigure, Cell, Claim, Column, Measurement, PaperValue, Report, Table } from '@controllab/report';
import type { RowId } from '../full-size/methods.ts';
import { baseOf, exact, methodOf, NOT_IN_PAPER, paperName, rowsOf, signed } from '../full-size/report-cells.ts';
import { PAPER_PARAMETERS, PAPER_SECONDS, paperIncrease } from '../paper-values.ts';
import type { ComponentCounts, FamilyCounts, MethodCounts } from './measure.ts';
import { PAPER_FAMILIES, type PaperFamily } from '../full-size/target.ts';
import { isPaperFamily, printsAs, tableFive } from './table-five.ts';

const GIGA = 1e9;

const rounded = (value: number, decimals: number): number => Number(value.toFixed(decimals));
const giga = (value: number): number => value / GIGA;
const share = (ratio: number): string => `${Math.abs(100 * ratio).toFixed(1)}%`;
const percent = (ratio: number): string => signed(100 * ratio);
const millions = (count: number): string => `${(count / 1e6).toFixed(2)}M`;

const isControlNeXt = (id: RowId): boolean => id.startsWith('controlnext');

/** Multiply-accumulates that a method adds to a step. */
const added = (family: FamilyCounts, id: RowId): number => methodOf(family, id).macs - baseOf(family).macs;
const addedShare = (family: FamilyCounts, id: RowId): number => added(family, id) / baseOf(family).macs;

function paperCount(family: FamilyCounts, method: RowId, kind: 'total' | 'learnable'): Cell {
  const name = paperName(method);
  if (!isPaperFamily(family.id) || name === null) return NOT_IN_PAPER;
  const printed: { total: number; learnable?: number } = PAPER_PARAMETERS.millions[family.id][name];
  const value = printed[kind];
  return value === undefined ? NOT_IN_PAPER : { text: `${value.toLocaleString('en-US')}M`, source: PAPER_PARAMETERS.source };
}

/** The paper's time of a step, and what it adds to the base model's. */
function paperTime(family: FamilyCounts, method: RowId): [seconds: Cell, increase: Cell, range: Cell] {
  const name = paperName(method);
  if (!isPaperFamily(family.id) || name === null) return [NOT_IN_PAPER, NOT_IN_PAPER, NOT_IN_PAPER];
  const value = (text: string): PaperValue => ({ text, source: PAPER_SECONDS.source });
  const seconds = value(PAPER_SECONDS.seconds[family.id][name].toFixed(2));
  if (name === 'base') return [seconds, NOT_IN_PAPER, NOT_IN_PAPER];
  const increase = paperIncrease(family.id, name);
  return [seconds, value(percent(increase.value)), value(`${share(increase.least)} to ${share(increase.most)}`)];
}

function parametersTable(families: readonly FamilyCounts[]): Table {
  return {
    kind: 'table',
    id: 'parameters-by-method',
    caption: 'Parameters of the U-Net with its control network, and how many of them train.',
    rowHeader: 'model: method',
    columns: [
      { label: 'counted', group: 'all parameters' },
      { label: 'paper', group: 'all parameters' },
      { label: 'counted', group: 'learnable' },
      { label: 'paper', group: 'learnable' },
      { label: 'against ControlNet', group: 'learnable' },
    ],
    rows: rowsOf(families, (family, m) => [
      m.parameters,
      paperCount(family, m.id, 'total'),
      m.id === 'base' ? NOT_IN_PAPER : m.learnable,
      paperCount(family, m.id, 'learnable'),
      m.id === 'base' || m.id === 'controlnet' ? NOT_IN_PAPER : percent(m.learnable / methodOf(family, 'controlnet').learnable - 1),
    ]),
  };
}

function learnableTable(families: readonly FamilyCounts[]): Table {
  const rows = families.flatMap((family) =>
    family.methods
      .filter(({ id }) => isControlNeXt(id))
      .map(({ label, id, subset, control, learnable }) => ({
        label: `${family.label}: ${label}`,
        cells: [subset.names, subset.tensors, subset.parameters, control, learnable, paperCount(family, id, 'learnable')],
      })),
  );
  const svd = families.find(({ id }) => id === 'svd')!;
  const { control } = methodOf(svd, 'controlnext');
  const { parameters, tensors } = baseOf(svd);
  return {
    kind: 'table',
    id: 'learnable-parts',
    caption: 'What ControlNeXt trains: the parameters of the U-Net whose names match, and its control module.',
    rowHeader: 'model: module',
    columns: [
      { label: 'names' },
      { label: 'tensors', group: 'of the U-Net' },
      { label: 'parameters', group: 'of the U-Net' },
      { label: 'module' },
      { label: 'sum', group: 'learnable' },
      { label: 'paper', group: 'learnable' },
    ],
    rows: [
      ...rows,
      {
        label: 'SVD: ControlNeXt as its released script trains it',
        cells: ['all', tensors, parameters, control, parameters + control, NOT_IN_PAPER],
      },
    ],
  };
}

function computeTable(families: readonly FamilyCounts[]): Table {
  return {
    kind: 'table',
    id: 'compute',
    caption:
      'Multiply-accumulates of one denoising step at batch 1 (convolutions, linear layers, both products of attention), beside the paper’s time of a step.',
    rowHeader: 'model: method',
    columns: [
      { label: 'a step', unit: 'GMAC', group: 'counted', decimals: 2 },
      { label: 'added', unit: 'GMAC', group: 'counted', decimals: 2 },
      { label: 'added', group: 'counted' },
      { label: 'a step', unit: 's', group: 'paper' },
      { label: 'added', group: 'paper' },
      { label: 'within rounding', group: 'paper' },
    ],
    rows: rowsOf(families, (family, m) => [
      giga(m.macs),
      ...(m.id === 'base' ? [NOT_IN_PAPER, NOT_IN_PAPER] : [giga(added(family, m.id)), percent(addedShare(family, m.id))]),
      ...paperTime(family, m.id),
    ]),
  };
}

/** Weights and intermediate results in float32 and float16, in GB. */
const memoryCells = ({ parameters, activations }: Pick<MethodCounts, 'parameters' | 'activations'>): Cell[] =>
  [4 * parameters, activations.peak, activations.sum].flatMap((bytes) => [giga(bytes), giga(bytes / 2)]);

const MEMORY_COLUMNS: Column[] = ['weights', 'activations, most at once', 'activations, all'].flatMap((group) =>
  ['F32', 'F16'].map((label) => ({ label, group, unit: 'GB', decimals: 3 })),
);

const memoryTable = (families: readonly FamilyCounts[]): Table => ({
  kind: 'table',
  id: 'memory',
  caption:
    'Memory of one step at batch 1, in 10⁹ bytes. Activations: the most that is needed at one time if every result is freed after its last use, and all of them together, which is about what training without recomputation keeps.',
  rowHeader: 'model: method',
  columns: MEMORY_COLUMNS,
  rows: rowsOf(families, (_, m) => memoryCells(m)),
});

const componentsTables = (components: readonly ComponentCounts[]): Table[] => [
  {
    kind: 'table',
    id: 'components',
    caption:
      'Other networks of the published pipelines: autoencoders, text and image encoders, and U-Nets for which the papers print nothing.',
    rowHeader: 'network',
    columns: [{ label: 'input' }, { label: 'parameters' }, { label: 'tensors' }, { label: 'a pass', unit: 'GMAC', decimals: 2 }],
    rows: components.map((c) => ({ label: c.label, cells: [c.setting, c.parameters, c.tensors, giga(c.macs)] })),
  },
  {
    kind: 'table',
    id: 'components-memory',
    caption: 'Their memory for that input, as above.',
    rowHeader: 'network',
    columns: MEMORY_COLUMNS,
    rows: components.map((c) => ({ label: c.label, cells: memoryCells(c) })),
  },
];

function overheadFigure(families: readonly FamilyCounts[]): BarFigure {
  const shares = (f: (family: FamilyCounts) => number, method: string): Measurement[] =>
    families.map((family) => exact(rounded(100 * f(family), 2), 1, method));
  const time = (method: 'controlnet' | 'controlnext') =>
    shares(({ id }) => paperIncrease(id as PaperFamily, method).value, `from the times that ${PAPER_SECONDS.source} prints`);
  const macs = (id: RowId) => shares((family) => addedShare(family, id), 'counted');
  return {
    kind: 'bar',
    id: 'overhead',
    caption:
      'What control adds to a step, in percent of the base model: multiply-accumulates counted here, and seconds as the paper prints them.',
    categories: families.map(({ label }) => label),
    y: { label: 'added to a step (%)' },
    series: [
      { label: 'ControlNet, MACs', values: macs('controlnet') },
      { label: 'ControlNet, paper’s time', values: time('controlnet') },
      { label: 'ControlNeXt, MACs', values: macs('controlnext') },
      { label: 'ControlNeXt legacy, MACs', values: macs('controlnext-legacy') },
      { label: 'ControlNeXt, paper’s time', values: time('controlnext') },
    ],
  };
}

function claimsOf(families: readonly FamilyCounts[]): Claim[] {
  const inPaper = families.filter(({ id }) => isPaperFamily(id));
  const entries = (module: 'controlnext' | 'controlnext-legacy'): Measurement => {
    const all = tableFive(families, module);
    return exact(all.filter(({ count, paper }) => printsAs(count, paper)).length, all.length, 'counted');
  };
  const of = entries('controlnext').n;
  const costliest = (module: RowId): Measurement =>
    exact(rounded(Math.max(...inPaper.map((family) => added(family, module) / added(family, 'controlnet'))), 4), inPaper.length, 'counted');
  const smallest = Math.min(
    ...inPaper.map((family) => 1 - methodOf(family, 'controlnext-legacy').learnable / methodOf(family, 'controlnet').learnable),
  );
  const paperTable = { text: `${of} of ${of} entries`, value: of, source: PAPER_PARAMETERS.source };
  return [
    {
      id: 'table-five',
      claim: 'Every entry of the table of parameters is the size of the network it names.',
      source: PAPER_PARAMETERS.source,
      test: 'Counts of the architectures built here, ControlNeXt with the control modules of its first releases. An entry agrees if the count in millions, rounded or cut off, is the printed number.',
      quantity: 'entries that agree, legacy control modules',
      rule: { kind: 'within', lo: of, hi: of },
      basis: 'fact',
      primary: false,
      results: [{ label: null, measured: entries('controlnext-legacy'), paper: paperTable }],
    },
    {
      id: 'table-five-current',
      claim: 'The code as it is released now has the sizes that the paper prints.',
      source: PAPER_PARAMETERS.source,
      test: 'The same with the control module of the current code. What disagrees are all entries of ControlNeXt; base models and ControlNets do not change.',
      quantity: 'entries that agree, current control module',
      rule: { kind: 'within', lo: of, hi: of },
      basis: 'fact',
      primary: false,
      results: [{ label: null, measured: entries('controlnext'), paper: paperTable }],
    },
    {
      id: 'fewer-learnable',
      claim: PAPER_PARAMETERS.reduction.claim,
      source: PAPER_PARAMETERS.reduction.source,
      test: 'One minus learnable parameters of ControlNeXt (legacy modules) over those of ControlNet; the smallest of the three base models.',
      quantity: 'share of learnable parameters saved',
      rule: { kind: 'above', bound: 0.9 },
      basis: 'fact',
      primary: false,
      results: [
        {
          label: null,
          measured: exact(rounded(smallest, 4), inPaper.length, 'counted'),
          paper: { text: PAPER_PARAMETERS.reduction.text, value: 0.9, source: PAPER_PARAMETERS.reduction.source },
        },
      ],
    },
    {
      id: 'less-compute',
      claim: `${PAPER_SECONDS.overhead.claim} (current module)`,
      source: PAPER_SECONDS.overhead.source,
      test: 'Multiply-accumulates added by ControlNeXt over those added by ControlNet; the largest of the three base models. Below 1: ControlNeXt is cheaper on all of them.',
      quantity: 'ControlNeXt’s added MACs over ControlNet’s, current module',
      rule: { kind: 'below', bound: 1 },
      basis: 'fact',
      primary: false,
      results: [
        {
          label: null,
          measured: costliest('controlnext'),
          paper: { text: PAPER_SECONDS.overhead.text, source: PAPER_SECONDS.overhead.source },
        },
      ],
    },
    {
      id: 'less-compute-legacy',
      claim: `${PAPER_SECONDS.overhead.claim} (legacy modules)`,
      source: PAPER_SECONDS.overhead.source,
      test: 'The same with the modules whose parameters the paper counts. It fails on SD1.5: that module has no convolution that shrinks the picture first, so its residual blocks work on all of its pixels.',
      quantity: 'ControlNeXt’s added MACs over ControlNet’s, legacy modules',
      rule: { kind: 'below', bound: 1 },
      basis: 'fact',
      primary: false,
      results: [
        {
          label: null,
          measured: costliest('controlnext-legacy'),
          paper: { text: PAPER_SECONDS.overhead.text, source: PAPER_SECONDS.overhead.source },
        },
      ],
    },
  ];
}

const paragraph = (...sentences: readonly string[]): string => sentences.join(' ');
const thousands = (count: number): string => count.toLocaleString('en-US');

/** What the paper's times, which are rounded, leave open: "4.5 to 13.9%". */
function paperRange({ id }: FamilyCounts): string {
  const { least, most } = paperIncrease(id as PaperFamily, 'controlnext');
  return `${(100 * least).toFixed(1)} to ${share(most)}`;
}

/** Every difference between a count and the paper's number, explained. */
function explanation(families: readonly FamilyCounts[]): string {
  const byId = (id: string): FamilyCounts => families.find((f) => f.id === id)!;
  const [sd15, sdxl, svd] = PAPER_FAMILIES.map(byId) as [FamilyCounts, FamilyCounts, FamilyCounts];
  const each = (f: (family: FamilyCounts) => string): string => [sd15, sdxl, svd].map(f).join(', ');
  const total = (id: RowId) => each((family) => millions(methodOf(family, id).parameters));
  const learnable = (id: RowId) => each((family) => millions(methodOf(family, id).learnable));
  const adds = (id: RowId) => each((family) => share(addedShare(family, id)));
  const script = baseOf(svd).parameters + methodOf(svd, 'controlnext').control;
  return [
    paragraph(
      `**Rounding.** For SD1.5, SDXL and SVD in this order, the paper cuts off the totals of the base models (${total('base')})`,
      `and of ControlNet (${total('controlnet')}), and rounds those of ControlNeXt (${total('controlnext-legacy')} with the legacy modules).`,
    ),
    paragraph(
      '**Which control module.** The paper’s learnable counts, 30M, 108M and 55M, are the sums of the trained attention projections and the',
      `control modules of the first releases: ${learnable('controlnext-legacy')}.`,
      `The code of today has one lighter module of ${thousands(methodOf(sd15, 'controlnext').control)} parameters for all three, which gives`,
      `${learnable('controlnext')}: none of the three agrees with the paper, and its totals (${total('controlnext')}) do not either.`,
      'Weights of one do not load into the other.',
    ),
    paragraph(
      '**Which parameters of the base model.** SD1.5 and SVD train every output projection of attention, SDXL those of cross-attention only.',
      'The released training script of SVD trains the whole U-Net instead (`if True` in place of the choice by name):',
      `${thousands(script)} learnable parameters with its module, not 55M.`,
    ),
    paragraph(
      '**SVD’s ControlNet.** None was released. The paper’s 682M are what the usual recipe gives: a copy of the U-Net’s encoder with its 8',
      `input channels, the hint encoder and 13 zero convolutions, ${thousands(methodOf(svd, 'controlnet').control)} parameters.`,
    ),
    paragraph(
      '**ControlNet-lite** is not in ControlNeXt’s tables. ControlNet’s paper describes it in one sentence ("replacing each block’s trainable',
      'copy with one single convolution layer") and no code was released; the counts are those of our reading.',
    ),
    paragraph(
      `**Compute against time.** On SD1.5, SDXL and SVD, ControlNet adds ${adds('controlnet')} to a step’s multiply-accumulates, close to the`,
      `paper’s times. ControlNeXt’s current module adds ${adds('controlnext')}, its legacy modules ${adds('controlnext-legacy')};`,
      `by the paper’s times, which are rounded to hundredths of a second, it adds ${each(paperRange)}.`,
      'The current module is within that on SD1.5 only, the legacy one on SDXL only: the modules that table 5 counts need not be those that',
      'table 6 timed. Counts are not times, though: how fast a multiply-accumulate is depends on the layer and the machine.',
    ),
  ].join('\n\n');
}

export interface ParametersResult {
  families: readonly FamilyCounts[];
  components: readonly ComponentCounts[];
}

/** The tables, in the order of the report. */
export const parametersTables = ({ families, components }: ParametersResult): Table[] => [
  parametersTable(families),
  learnableTable(families),
  computeTable(families),
  memoryTable(families),
  ...componentsTables(components),
];

/** The report, from the counts alone. */
export function parametersReport(result: ParametersResult): Omit<Report, 'id' | 'provenance'> {
  const { families } = result;
  const inPaper = families.filter(({ id }) => isPaperFamily(id));
  const [byMethod, learnable, compute, memory, ...components] = parametersTables(result) as [Table, Table, Table, Table, ...Table[]];
  const claims = claimsOf(families);
  const agree = (id: string): string => {
    const { value, n } = claims.find((claim) => claim.id === id)!.results[0]!.measured!;
    return `${value} of ${n}`;
  };
  const [sd15] = inPaper as [FamilyCounts];
  return {
    title: 'Parameters, compute and memory of ControlNet and ControlNeXt',
    takeaway: `${agree('table-five')} entries of ControlNeXt’s table 5 follow from the architectures with its legacy control modules, ${agree('table-five-current')} with the module of its current code.`,
    summary: `Every network is built at full size from the same blocks that the small models train with, and counted from its graph: no weight is allocated and nothing is run. ControlNeXt’s legacy module costs more than a ControlNet on SD1.5: ${percent(addedShare(sd15, 'controlnext-legacy'))} multiply-accumulates against ${percent(addedShare(sd15, 'controlnet'))}; the current one costs ${percent(addedShare(sd15, 'controlnext'))}.`,
    claims,
    sections: [
      { id: 'counts', title: 'Parameters', blocks: [byMethod, learnable] },
      {
        id: 'differences',
        title: 'Where the numbers differ from the paper, and why',
        blocks: [{ kind: 'prose', text: explanation(families) }],
      },
      {
        id: 'computation',
        title: 'Compute',
        blocks: [
          { kind: 'prose', text: families.map(({ label, setting }) => `**${label}**: ${setting}.`).join(' ') },
          overheadFigure(inPaper),
          compute,
        ],
      },
      {
        id: 'bytes',
        title: 'Memory',
        blocks: [
          memory,
          {
            kind: 'note',
            text: 'Activations are counted from the graph in the order in which its layers run, each freed after its last use. Attention weights are not among them: fused kernels, the engine’s among them, never hold them whole. What kernels need for their own work comes on top.',
          },
        ],
      },
      { id: 'beyond', title: 'Beyond the paper', blocks: components },
    ],
    attribution: [],
  };
}
