import { meanInterval, pairedDifferenceInterval, writeReport, type Claim, type GridImage, type Provenance } from '@controllab/report';

interface Arm {
  id: string;
  /** Canny F1, one number a training, all arms from the same seeds. */
  f1: readonly number[];
  picture: GridImage;
}

/** Whether the first arm follows edges better than the second. */
export default async function compareArms(folder: string, [a, b]: readonly [Arm, Arm], provenance: Provenance): Promise<void> {
  const seeds = a.f1.map((_, i) => i + 1);
  const over = `${seeds.length} trainings`;
  const difference = pairedDifferenceInterval(a.f1, b.f1, { range: [-1, 1], over });
  const claim: Claim = {
    id: 'follows-better',
    claim: 'Zero convolutions follow the condition better.',
    source: 'ControlNet, section 4.2',
    test: 'Paired by seed; an advantage below 0.02 counts as none.',
    quantity: `Canny F1, ${a.id} − ${b.id}`,
    rule: { kind: 'above', bound: 0.02 },
    basis: 'trainings',
    primary: true,
    results: [
      {
        label: 'Canny edges',
        measured: { ...difference, seeds, perTraining: a.f1.map((f1, i) => f1 - b.f1[i]!) },
        paper: { text: 'shown in images', source: 'figure 8' },
      },
    ],
    shownIn: 'fidelity',
  };
  await writeReport(folder, {
    id: 'two-arms',
    title: 'Do zero convolutions matter?',
    takeaway: `With ${a.id} convolutions edges are followed **${difference.value.toFixed(2)}** better than with ${b.id} ones.`,
    summary: 'Both arms were trained from the same seeds, on the same batches.',
    lead: 'pictures',
    arms: [a, b].map(({ id }) => ({ id, label: id })),
    claims: [claim],
    sections: [
      {
        id: 'results',
        title: 'Results',
        blocks: [
          {
            kind: 'table',
            id: 'fidelity',
            caption: 'Condition fidelity',
            rowHeader: 'arm',
            columns: [{ label: 'Canny F1', better: 'higher' }],
            rows: [a, b].map(({ id, f1 }) => ({ label: id, arm: id, cells: [{ ...meanInterval(f1, { range: [0, 1], over }), seeds }] })),
          },
          {
            kind: 'image-grid',
            id: 'pictures',
            caption: 'The same noise under both',
            columns: ['no prompt'],
            rows: [a, b].map(({ id, picture }) => ({ label: id, arm: id, images: [picture] })),
          },
        ],
      },
    ],
    provenance,
    attribution: [],
  });
}
