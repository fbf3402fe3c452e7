// The index's only script: any two runs side by side. Plain JavaScript: it runs as it is, from file://.
(() => {
  'use strict';

  const runs = JSON.parse(document.getElementById('runs').textContent);
  const form = document.querySelector('form.compare');
  const table = document.querySelector('table.comparison');
  const name = (run) =>
    `${run.id}, ${run.profile}${run.seed === '' ? '' : `, seed ${run.seed}`}${run.folder.startsWith('published/') ? ', published' : ''}`;

  for (const select of form.querySelectorAll('select'))
    select.append(...runs.map((run, i) => Object.assign(document.createElement('option'), { value: i, textContent: name(run) })));

  const element = (tag, text, className) => Object.assign(document.createElement(tag), { textContent: text, className: className ?? '' });
  const row = (label, a, b) => {
    const line = document.createElement('tr');
    line.append(element('th', label), element('td', a ?? ''), element('td', b ?? ''));
    if (a !== b) line.className = 'differs';
    return line;
  };
  const shown = (value) => (value === undefined ? undefined : String(Number(value.toPrecision(4))));

  const compare = () => {
    const [a, b] = [runs[form.a.value], runs[form.b.value]];
    if (!a || !b) return;
    const keys = (part) => [...new Set([...Object.keys(a[part]), ...Object.keys(b[part])])];
    const head = document.createElement('thead');
    const line = document.createElement('tr');
    line.append(element('th', ''), element('th', `A: ${name(a)}`), element('th', `B: ${name(b)}`));
    head.append(line);
    const body = document.createElement('tbody');
    body.append(
      row('commit', a.commit ?? '', b.commit ?? ''),
      ...keys('claims').map((key) => row(key, a.claims[key], b.claims[key])),
      ...keys('metrics').map((key) => row(key.replaceAll('/', ' \u00b7 '), shown(a.metrics[key]), shown(b.metrics[key]))),
    );
    if (form.differing.checked) for (const same of body.querySelectorAll('tr:not(.differs)')) same.remove();
    table.replaceChildren(head, body);
  };

  // The newest run beside the newest other one of the same experiment.
  const other = runs.findIndex((run, i) => i > 0 && run.id === runs[0].id);
  form.b.value = other > 0 ? other : 0;
  form.addEventListener('change', compare);
  form.addEventListener('submit', (event) => event.preventDefault());
  compare();
})();
