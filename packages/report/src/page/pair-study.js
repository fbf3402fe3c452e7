// A study's page: teaches, asks, and shows what came of it. Plain JavaScript: it runs as it is, from file://. What it asks is decided in
// pair-study-logic.js.
(() => {
  'use strict';

  const { plan, precision, csv } = globalThis.pairStudy;
  const data = JSON.parse(document.getElementById('study').textContent);
  const { models, pairs } = data;
  const heading = document.getElementById('heading');
  const stage = document.getElementById('stage');
  const form = document.getElementById('setup');
  const start = [...stage.childNodes];

  const element = (tag, attributes = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  };

  /** A picture: one tile of a PNG. */
  const picture = ({ file, index, count, alt }, where) => {
    const frame = element('span', { className: data.width <= 128 ? 'frame pixelated' : 'frame' });
    frame.style.cssText = `aspect-ratio:${data.width}/${data.height};--tiles:${count};--tile:${index}`;
    frame.append(element('img', { src: file, alt: where === '' ? alt : `${where}: ${alt}` }));
    return frame;
  };

  /** What the keys do on what is shown now: by the name of the key. */
  let keys = {};
  /** Whether answers would be lost by leaving. */
  let unsaved = false;

  /** Another step: its heading has the focus, so that it is read out and Tab goes on from there. */
  const show = (title, onKeys, ...content) => {
    heading.textContent = title;
    stage.replaceChildren(...content);
    keys = onKeys;
    heading.focus({ preventScroll: true });
  };

  const button = (label, act, attributes = {}) => {
    const made = element('button', { type: 'button', className: 'step', ...attributes }, label);
    made.addEventListener('click', act);
    return made;
  };

  const sides = ({ pair, left }) => [pairs[pair][left], pairs[pair][1 - left]];

  const teach = (run, i) => {
    const one = run.taught[i];
    const [left, right] = sides(one);
    const last = i + 1 === run.taught.length;
    const back = () => i > 0 && teach(run, i - 1);
    const next = () => (last ? ask(run, []) : teach(run, i + 1));
    const named = (image, model) => element('figure', {}, picture(image, ''), element('figcaption', {}, models[model]));
    show(
      `To learn from: ${i + 1} of ${run.taught.length}`,
      // Whoever holds on to the arrow has not answered the first question with it.
      { ArrowLeft: back, Enter: next, ...(last ? {} : { ArrowRight: next }) },
      element('div', { className: 'two' }, named(left, one.left), named(right, 1 - one.left)),
      element(
        'p',
        { className: 'steps' },
        button('Back', back, { disabled: i === 0 }),
        button(last ? 'Begin to answer (Enter)' : 'Next', next),
      ),
    );
  };

  const ask = (run, answers) => {
    const i = answers.length;
    if (i === run.asked.length) return conclude(run, answers);
    const since = performance.now();
    const one = run.asked[i];
    const answer = (truth, given) =>
      ask(run, [
        ...answers,
        { pair: one.pair + 1, truth, answer: given, correct: truth === given, seconds: Math.round((performance.now() - since) / 10) / 100 },
      ]);
    unsaved = true;
    (run.shown === 'pairs' ? askPair : askSingle)(one, answer, `${i + 1} of ${run.asked.length}`);
    document.getElementById('said').textContent = `Question ${i + 1} of ${run.asked.length}`;
  };

  /** Where the second model's picture stands is asked. */
  const askPair = (one, answer, place) => {
    const truth = one.left === 1 ? 'left' : 'right';
    const choose = (side) => () => answer(truth, side);
    const [left, right] = sides(one);
    const choice = (image, side, key) => {
      const made = button('', choose(side), { className: 'choice' });
      made.append(picture(image, `${side} picture`), element('span', { className: 'key' }, key));
      return made;
    };
    show(
      `${place}: which one did ${models[1]} draw?`,
      { ArrowLeft: choose('left'), ArrowRight: choose('right') },
      element('div', { className: 'two' }, choice(left, 'left', '← left'), choice(right, 'right', 'right →')),
    );
  };

  const askSingle = (one, answer, place) => {
    const choose = (model) => () => answer(models[one.model], models[model]);
    show(
      `${place}: who drew it?`,
      { ArrowLeft: choose(0), ArrowRight: choose(1) },
      element('div', { className: 'one' }, picture(pairs[one.pair][one.model], '')),
      element('p', { className: 'steps' }, button(`← ${models[0]}`, choose(0)), button(`${models[1]} →`, choose(1))),
    );
  };

  const save = (name, type, text) => {
    const link = element('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    unsaved = false;
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  const conclude = (run, answers) => {
    const { shown, seed } = run;
    const right = answers.filter(({ correct }) => correct).length;
    const { value, interval } = precision(right, answers.length);
    const taught = run.taught.length;
    const result = {
      format: 'controllab-pair-study-1',
      study: data.study,
      models,
      shown,
      seed,
      taught,
      right,
      asked: answers.length,
      answers,
    };
    const name = `${data.study.replace(/\W+/g, '-')}-seed-${seed}`;
    const row = (label, text) =>
      element('tr', {}, element('th', { scope: 'row', textContent: label }), element('td', { textContent: text }));
    const own = `${value.toFixed(2)} [${interval.map((bound) => bound.toFixed(2)).join(', ')}]`;
    show(
      `Right in ${right} of ${answers.length}`,
      {},
      element(
        'figure',
        { className: 'table' },
        element(
          'figcaption',
          {},
          `Share right; 0.5 is guessing. Seed ${seed}. You were shown ${shown === 'pairs' ? 'pairs side by side' : 'one picture at a time'}; in brackets a 95% interval (Wilson).`,
        ),
        element('table', {}, element('tbody', {}, row('you', own), ...data.beside.map(({ label, text }) => row(label, text)))),
      ),
      element(
        'p',
        { className: 'steps' },
        button('Save answers as CSV', () => save(`${name}.csv`, 'text/csv', csv(result))),
        button('Save answers as JSON', () => save(`${name}.json`, 'application/json', `${JSON.stringify(result, null, 2)}\n`)),
        button('Begin anew', () => {
          if (unsaved && !confirm('Your answers are not saved. Begin anew?')) return;
          unsaved = false;
          form.seed.value = (seed + 1) % 2 ** 32;
          show('Which model drew it?', {}, ...start);
        }),
      ),
    );
  };

  form.seed.value = crypto.getRandomValues(new Uint32Array(1))[0];
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const number = (name) => Number(form[name].value);
    const [taught, asked, seed] = [number('taught'), number('asked'), number('seed')];
    const problem = form.querySelector('.problem');
    problem.textContent =
      taught + asked > pairs.length
        ? `There are ${pairs.length} pairs, and none that was learnt from is asked about: ${taught} and ${asked} are too many together.`
        : '';
    if (problem.textContent !== '') return;
    const shown = form.shown.value;
    teach({ shown, seed, ...plan({ pairs: pairs.length, taught, asked, shown, seed }) }, 0);
  });
  document.addEventListener('keydown', (event) => {
    const act = keys[event.key];
    // Enter on a button or a link is that one's; a key that is held down answers nothing.
    if (
      !act ||
      event.repeat ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      (event.key === 'Enter' && event.target.closest('button, a'))
    )
      return;
    event.preventDefault();
    act();
  });
  addEventListener('beforeunload', (event) => {
    if (unsaved) event.preventDefault();
  });
})();
