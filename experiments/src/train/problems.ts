/** Rows that are said one by one, at a time. */
const SHOWN = 10;

/** Says which rows of the data are passed over, each once, however often it is told of them. */
export function problemTeller(say: (message: string) => void): (problems: readonly string[]) => void {
  const said = new Set<string>();
  return (problems) => {
    const more = [...new Set(problems)].filter((problem) => !said.has(problem));
    for (const problem of more.slice(0, SHOWN)) say(`passed over: ${problem}`);
    const rest = more.length - SHOWN;
    if (rest > 0) say(`passed over: ${rest} more row${rest === 1 ? '' : 's'}`);
    for (const problem of more) said.add(problem);
  };
}
