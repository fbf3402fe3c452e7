// The only script of a report: draws the figures in the reader's theme, enlarges images, marks what scrolls, copies the command. Plain
// JavaScript: it runs as it is, from file://.
(() => {
  'use strict';

  /** Replaces every "var(--name)" in a figure by its value in the current theme. */
  const withTheme = (value, style) => {
    if (typeof value === 'string') return value.startsWith('var(') ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    if (Array.isArray(value)) return value.map((item) => withTheme(item, style));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTheme(item, style)]));
  };

  const config = {
    displaylogo: false,
    showSendToCloud: false,
    responsive: true,
    modeBarButtons: [['toImage', 'resetScale2d']],
  };

  /** Fits A4 and letter paper with their margins; a figure does not shrink with its page. */
  const PRINT_WIDTH = 680;

  /** Narrower than this (px), a legend over the curves leaves them no room, and a name beside its line hides them. */
  const NARROW = 600;
  const LEGEND_LINE = 28;
  /** Of a legend over the curves: the marks before its names, and a letter (px). Its columns are as wide as the longest name. */
  const LEGEND_MARK = 44;
  const LEGEND_LETTER = 7;
  /** Letters of a name that fit beside its mark on a phone. */
  const NARROW_NAME = 38;
  const REFERENCE_LINE = 18;

  const isPrinting = () => 'printing' in document.documentElement.dataset;
  /** All figures of a page are equally wide. */
  const isNarrow = () => !isPrinting() && document.querySelector('.plot-area').clientWidth < NARROW;

  /** A name in two lines if it is long, broken at the space nearest its middle. */
  const wrapped = (name) => {
    const middle = name.length / 2;
    const spaces = [...name.matchAll(/ /g)].map(({ index }) => index).sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
    return name.length <= NARROW_NAME || spaces.length === 0 ? name : `${name.slice(0, spaces[0])}<br>${name.slice(spaces[0] + 1)}`;
  };

  /** A figure as a phone shows it: every series in a legend under the axis, and the names of reference lines over the plot. */
  const narrowed = (layout, height) => {
    const container = { xref: 'container', yref: 'container' };
    const legend = { ...layout.legend, ...container, x: 0.02, y: 0, yanchor: 'bottom', maxheight: height };
    const annotations = layout.annotations.map((name, i) => ({ ...name, yref: 'paper', y: 1, yshift: i * REFERENCE_LINE }));
    const margin = { ...layout.margin, l: 56, t: layout.margin.t + Math.max(0, annotations.length - 1) * REFERENCE_LINE };
    return { ...layout, legend, annotations, margin };
  };

  let drawnNarrow = false;

  const drawFigures = () => {
    const style = getComputedStyle(document.documentElement);
    const touch = matchMedia('(pointer: coarse)').matches;
    const wasNarrow = drawnNarrow;
    drawnNarrow = isNarrow();
    for (const figure of document.querySelectorAll('figure.plot')) {
      const area = figure.querySelector('.plot-area');
      const { data, layout } = withTheme(JSON.parse(figure.querySelector('script').textContent), style);
      // A finger that drags over a figure scrolls the page; a mouse zooms.
      if (touch) layout.dragmode = false;
      if (isPrinting()) layout.width = PRINT_WIDTH;
      // Plotly keeps the room of a legend that has gone elsewhere.
      if (drawnNarrow !== wasNarrow) Plotly.purge(area);
      area.style.height = '';
      if (drawnNarrow) for (const trace of data) if (trace.name) trace.name = wrapped(trace.name);
      const names = data.filter(({ showlegend }) => showlegend !== false).map(({ name = '' }) => name);
      const column = LEGEND_MARK + LEGEND_LETTER * Math.max(0, ...names.map((name) => name.length));
      const columns = Math.max(1, Math.floor((area.clientWidth - layout.margin.l - layout.margin.r) / column));
      const lines = drawnNarrow ? names.flatMap((name) => name.split('<br>')).length : Math.ceil(names.length / columns);
      area.style.height = `${area.offsetHeight + Math.max(0, lines - 2) * LEGEND_LINE}px`;
      const fitted = drawnNarrow ? narrowed(layout, area.clientHeight) : layout;
      Plotly.react(area, data, fitted, { ...config, displayModeBar: touch ? false : 'hover' });
    }
  };

  /** A box that scrolls sideways says so at the edges behind which there is more, and only then is a stop of the Tab key. */
  const markScroll = (box) => {
    const room = box.scrollWidth - box.clientWidth;
    const scrolls = room > 1;
    box.parentElement.classList.toggle('more-left', scrolls && box.scrollLeft > 1);
    box.parentElement.classList.toggle('more-right', scrolls && box.scrollLeft < room - 1);
    if (scrolls) box.tabIndex = 0;
    else box.removeAttribute('tabindex');
  };
  const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => markScroll(target.closest('.scroll'))));
  for (const box of document.querySelectorAll('.scroll')) {
    resized.observe(box);
    if (box.firstElementChild) resized.observe(box.firstElementChild);
    box.addEventListener('scroll', () => markScroll(box), { passive: true });
  }

  const EDGE = 32;

  /** The largest size that fits the window: a whole multiple for small images, so that every pixel stays a square. */
  const enlargedWidth = (width, height, pixelated) => {
    const room = Math.min((innerWidth - EDGE * 2) / width, (innerHeight - EDGE * 2 - 80) / height);
    return width * (pixelated && room >= 1 ? Math.floor(room) : room);
  };

  const dialog = document.getElementById('enlarged');
  let shown = null;

  const show = (button) => {
    shown = button;
    const frame = button.querySelector('.frame').cloneNode(true);
    frame.style.width = `${enlargedWidth(Number(frame.dataset.width), Number(frame.dataset.height), frame.classList.contains('pixelated'))}px`;
    frame.querySelector('img').alt = button.getAttribute('aria-label').replace(/^Enlarge: /, '');
    document.getElementById('page-enlarged-title').textContent = button.dataset.title;
    dialog.querySelector('.stage').replaceChildren(frame);
    if (!dialog.open) dialog.showModal();
  };

  /** Of a block's pictures one is a stop of the Tab key: the one that was last at. */
  const moveTo = (button) => {
    for (const other of button.closest('figure.images').querySelectorAll('.enlarge')) other.tabIndex = other === button ? 0 : -1;
    button.focus();
  };

  const middle = (button) => {
    const { left, right, top, bottom } = button.getBoundingClientRect();
    return [(left + right) / 2, (top + bottom) / 2];
  };

  /** What lies across counts more than what lies along: the next picture of the row, not a nearer one of another. */
  const ACROSS = 4;

  /** The nearest picture of the same block to the right of, below, ... a picture. Tables, panels and strips are all just places. */
  const neighbour = (button, [right, down]) => {
    const [x, y] = middle(button);
    let [nearest, least] = [null, Infinity];
    for (const other of button.closest('figure.images').querySelectorAll('.enlarge')) {
      const [dx, dy] = middle(other).map((place, axis) => place - [x, y][axis]);
      const along = dx * right + dy * down;
      const cost = along + ACROSS * Math.abs(dx * down + dy * right);
      if (along > 1 && cost < least) [nearest, least] = [other, cost];
    }
    return nearest;
  };

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  /** Selects the text where the clipboard is not to be had, so that one key press copies it. */
  const copyText = async (button) => {
    const source = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = 'Selected';
    }
  };

  document.addEventListener('click', (event) => {
    const button = event.target.closest('.enlarge');
    const copy = event.target.closest('.copy');
    if (button) show(button);
    else if (copy) copyText(copy);
    else if (event.target === dialog) dialog.close();
  });
  document.addEventListener('keydown', (event) => {
    const step = STEPS[event.key];
    const current = dialog.open ? shown : event.target.closest('.enlarge');
    // With a modifier they are the browser's, such as its way back.
    if (!step || !current || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = neighbour(current, step);
    if (!next) return;
    if (dialog.open) show(next);
    else moveTo(next);
  });
  dialog.addEventListener('close', () => shown && moveTo(shown));

  // A link to a claim opens its details.
  const openTarget = () => {
    const details = document.querySelector('tr:target + tr.details details');
    if (details) details.open = true;
  };
  addEventListener('hashchange', openTarget);
  openTarget();

  if (document.querySelector('figure.plot')) {
    drawFigures();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawFigures);
    // Such as a phone that is turned.
    addEventListener('resize', () => isNarrow() !== drawnNarrow && drawFigures());
    addEventListener('beforeprint', () => {
      document.documentElement.dataset.printing = '';
      drawFigures();
    });
    addEventListener('afterprint', () => {
      delete document.documentElement.dataset.printing;
      drawFigures();
      for (const area of document.querySelectorAll('.plot-area')) Plotly.Plots.resize(area);
    });
  }
})();
