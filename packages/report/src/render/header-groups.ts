/** Runs of neighbours with the same group, for headers that span several columns; a column without a group stands alone. */
export const headerGroups = (groups: readonly (string | undefined)[]): { group: string | undefined; span: number }[] => {
  const runs: { group: string | undefined; span: number }[] = [];
  for (const group of groups) {
    const last = runs.at(-1);
    if (group !== undefined && last?.group === group) last.span++;
    else runs.push({ group, span: 1 });
  }
  return runs;
};
