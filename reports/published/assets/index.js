// The index's only script: any two runs side by side. Plain JavaScript: it runs as it is, from file://.
(() => {
  'use strict';

  const runs = JSON.parse(document.getElementById('runs').textContent);
  const form = document.querySelector('form.compare');
  const table = document.querySelector('table.comparison');
  const remark = document.getElementById('compare-remark');

  const nameOf = ({ name, finishedAt }) => (finishedAt === null ? name : `${name} (${finishedAt.slice(0, 16).replace('T', ' ')})`);
  for (const select of form.querySelectorAll('select'))
    select.append(new Option('choose a report', ''), ...runs.map((run, i) => new Option(nameOf(run), i)));

  const element = (tag, text, attributes = {}) => Object.assign(document.createElement(tag), { textContent: text, ...attributes });
  const row = (...cells) => {
    const line = document.createElement('tr');
    line.append(...cells);
    return line;
  };

  /** The entries of both by group and name, in the order of the first; undefined: the run does not have it. */
  const paired = (a, b) => {
    const groups = new Map();
    [a, b].forEach((run, side) => {
      const times = new Map();
      for (const [group, name, text] of run.entries) {
        const names = groups.get(group) ?? groups.set(group, new Map()).get(group);
        // A name that a table has twice is paired with the other run's second.
        const again = times.get(`${group}\n${name}`) ?? 0;
        times.set(`${group}\n${name}`, again + 1);
        const key = again === 0 ? name : `${name} (${again + 1})`;
        const pair = names.get(key) ?? names.set(key, []).get(key);
        pair[side] = text;
      }
    });
    return groups;
  };

  const head = (a, b) => {
    const link = (run) => {
      const cell = element('th', '', { scope: 'col' });
      cell.append(element('a', run.name, { href: `${run.folder.split('/').map(encodeURIComponent).join('/')}/${run.page}` }));
      return cell;
    };
    const part = document.createElement('thead');
    part.append(row(element('td', ''), link(a), link(b)));
    return part;
  };

  const groupRows = (group, names, onlyDiffering) => {
    const rows = [...names].flatMap(([name, [left, right]]) => {
      const differs = left !== right;
      if (onlyDiffering && !differs) return [];
      const line = row(element('th', name, { scope: 'row' }), element('td', left ?? '\u2013'), element('td', right ?? '\u2013'));
      line.className = differs ? 'differs' : '';
      return [line];
    });
    if (rows.length === 0) return null;
    const part = document.createElement('tbody');
    part.append(row(element('th', group, { scope: 'rowgroup', colSpan: 3, className: 'group' })), ...rows);
    return part;
  };

  const compare = () => {
    const [a, b] = [runs[form.a.value], runs[form.b.value]];
    if (!a || !b) {
      remark.textContent = 'Choose two reports.';
      table.replaceChildren();
      return;
    }
    const groups = paired(a, b);
    const parts = [...groups].map(([group, names]) => groupRows(group, names, form.differing.checked)).filter(Boolean);
    const pairs = [...groups.values()].flatMap((names) => [...names.values()]);
    const differing = pairs.filter(([left, right]) => left !== right).length;
    remark.textContent = `${differing} of ${pairs.length} numbers and verdicts differ.`;
    table.replaceChildren(head(a, b), ...parts);
  };

  /** The numbers of a run by name; verdicts have the same names whatever was measured for them. */
  const namesOf = ({ entries }) => entries.filter(([group]) => group !== 'Claims').map(([group, name]) => `${group}\n${name}`);

  // The newest two runs of one experiment that have numbers in common; without such a pair the reader chooses.
  const pair = () => {
    for (let i = 0; i < runs.length; i++) {
      const names = new Set(namesOf(runs[i]));
      const other = runs.findIndex((run, j) => j > i && run.id === runs[i].id && namesOf(run).some((name) => names.has(name)));
      if (other > 0) return [i, other];
    }
    return ['', ''];
  };
  if (runs.length > 1) {
    [form.a.value, form.b.value] = pair();
    form.addEventListener('change', compare);
    form.addEventListener('submit', (event) => event.preventDefault());
    compare();
  }
})();
