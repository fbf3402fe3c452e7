import { judge, type Claim, type Verdict } from '@controllab/report';

/** Claims that did not hold, word for word, with the conditions under which they did not where that is not all of them. */
function refuted(claims: readonly Claim[], judged: ReturnType<typeof judge>): string[] {
  return claims.flatMap(({ claim, results }, i) => {
    const failed = results.filter((_, k) => judged[i]![k]!.verdict === 'not reproduced');
    if (failed.length === 0) return [];
    const where = failed.length === results.length ? '' : ` (${failed.map(({ label }) => label).join(', ')})`;
    return [`“${claim.replace(/\.$/, '')}”${where}`];
  });
}

/** How its primary results were judged, and what was not so; nothing where there are too few trainings for that. */
export function verdictsText(claims: readonly Claim[]): string {
  const primary = claims.filter((claim) => claim.primary);
  const byClaim = judge(primary);
  const judged = byClaim.flat();
  const count = (verdict: Verdict): number => judged.filter((one) => one.verdict === verdict).length;
  const kinds = (['reproduced', 'not reproduced', 'inconclusive'] as const).flatMap((kind) =>
    count(kind) === 0 ? [] : [`${count(kind)} ${kind}`],
  );
  if (kinds.length === 0) return '';
  // Some experiments test one sentence in several ways.
  const not = [...new Set(refuted(primary, byClaim))];
  return ` Of ${judged.length} primary ${judged.length === 1 ? 'result' : 'results'}: ${kinds.join(', ')}.${not.length === 0 ? '' : ` Not so here: ${not.join('; ')}.`}`;
}
