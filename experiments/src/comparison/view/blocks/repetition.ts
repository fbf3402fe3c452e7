import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { workspaceRoot } from '@controllab/command-line';
import { canonicalJson, type Json } from '@controllab/data';
import { judge, readStoredReport, type Claim, type Section, type StoredReport, type TableRow, type Verdict } from '@controllab/report';
import { seedsText } from '../questions.ts';

const PUBLISHED = path.join(workspaceRoot, 'reports', 'published');

/** Trainings that were made together: by their seeds and the processors' instructions. */
interface Block {
  readonly seeds: readonly number[];
  readonly instructionSet: string;
}

/** The published report of an experiment's profile, where its trainings are others: from other seeds, or on other processors. */
function otherBlock(id: string, profile: string, here: Block, folder: string): { claims: StoredReport['claims']; name: string } | null {
  const file = path.join(folder, id, 'results.json');
  if (!existsSync(file)) return null;
  const stored = readStoredReport(readFileSync(file, 'utf8'));
  if (stored === null || stored.provenance.profile !== profile) return null;
  const { claims, provenance } = stored;
  const { trainings = [] } = provenance;
  const seeds = [...new Set(trainings.map(({ seed }) => seed))].sort((a, b) => a - b);
  const sets = [...new Set(trainings.map(({ instructionSet }) => instructionSet))];
  const elsewhere = !sets.includes(here.instructionSet);
  if (seeds.length === 0 || (!elsewhere && seeds.some((seed) => here.seeds.includes(seed)))) return null;
  return { claims, name: `${seedsText(seeds)}${elsewhere ? `, on ${sets.join(' and ')}` : ''}` };
}

const OPPOSITE: Partial<Record<Verdict, Verdict>> = { reproduced: 'not reproduced', 'not reproduced': 'reproduced' };

const HOW = ['same', 'differs', 'opposite', 'not judged here', 'not tested there'] as const;
type How = (typeof HOW)[number];

/** How one verdict stands to the one on other trainings. */
const stands = (one: Verdict, other: Verdict): How =>
  one === other ? 'same' : one === 'not judged' ? 'not judged here' : OPPOSITE[one] === other ? 'opposite' : 'differs';

/** Counts that are said even where they are 0: that nothing turned round is a result. */
const ALWAYS: readonly How[] = ['same', 'differs', 'opposite'];

const COUNTED: Readonly<Record<How, string>> = {
  same: 'the same',
  differs: 'different in what is open',
  opposite: 'the opposite',
  'not judged here': 'not judged here',
  'not tested there': 'not tested there',
};

/**
 * The claims of a run beside those of the published report of the same experiment and profile whose trainings are others: verdicts that
 * hold only for the seeds, or the processor, that they come from are seen here. Null where nothing is published to stand beside, or its
 * trainings are the same ones.
 * @param folder published reports
 */
export function repetition(
  { id, profile, claims }: { readonly id: string; readonly profile: string; readonly claims: readonly Claim[] },
  here: Block,
  folder: string = PUBLISHED,
): Section | null {
  const other = otherBlock(id, profile, here, folder);
  if (other === null) return null;
  const judged = judge(claims);
  const rows: TableRow[] = [];
  const primaries: How[] = [];
  for (const [i, claim] of claims.entries()) {
    if (claim.basis !== 'trainings') continue;
    const there = other.claims.find(
      (known) =>
        known.id === claim.id &&
        known.quantity === claim.quantity &&
        canonicalJson(known.rule as Json) === canonicalJson(claim.rule as Json),
    );
    for (const [k, { label, measured }] of claim.results.entries()) {
      const before = there?.results.find((result) => result.label === label);
      const verdict = judged[i]![k]!;
      const how = before === undefined ? 'not tested there' : stands(verdict.verdict, before.verdict);
      if (claim.primary) primaries.push(how);
      rows.push({
        label: `${claim.quantity}${label === null ? '' : `, ${label}`}${claim.primary ? '' : ' (exploratory)'}`,
        cells: [before?.measured ?? null, before?.verdict ?? null, measured, verdict.text, how],
      });
    }
  }
  const counts = HOW.flatMap((how) => {
    const count = primaries.filter((one) => one === how).length;
    return count === 0 && !ALWAYS.includes(how) ? [] : [`${COUNTED[how]}: ${count}`];
  });
  const [there, now] = [other.name, seedsText(here.seeds)];
  return {
    id: 'other-trainings',
    title: 'The same on other trainings',
    blocks: [
      {
        kind: 'table',
        id: 'repetition',
        caption: `Every claim on trainings, here and in the published report of the same profile (${there}). Of ${primaries.length} primary verdicts ${counts.join(', ')}.`,
        rowHeader: 'Quantity',
        columns: [
          { group: there, label: 'measured' },
          { group: there, label: 'verdict' },
          { group: now, label: 'measured' },
          { group: now, label: 'verdict' },
          { label: 'verdicts' },
        ],
        rows,
      },
    ],
  };
}
