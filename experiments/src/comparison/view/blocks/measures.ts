import type { BarFigure, Table } from '@controllab/report';
import { shownAs, type Drawing } from '../../experiment.ts';
import { PROMPT_SETTINGS, type PromptSettingId } from '../../prompts.ts';
import { capitalised, mean, type Panel, type View } from '../view.ts';

export const f2 = (x: number): string => x.toFixed(2);

/** Models x prompt settings: one measure, with intervals. */
export function promptTable(view: View, panel: Panel, measure: string, remark = ''): Table {
  const { better, label, method } = view.measure(measure);
  return {
    kind: 'table',
    id: panel.id(measure),
    caption: `${capitalised(label(panel.condition))}. ${method(panel.condition)}${remark === '' ? '' : ` ${remark}`}`,
    rowHeader: 'Model',
    columns: view.experiment.prompts.map((prompt) => ({ label: PROMPT_SETTINGS[prompt].label, better })),
    rows: panel.drawings.map((drawing) => ({
      label: drawing.label,
      arm: shownAs(drawing),
      cells: view.experiment.prompts.map((prompt) => (panel.drawn(drawing.id, prompt) ? panel.value(drawing.id, prompt, measure) : null)),
    })),
  };
}

/** The drawings that were made under a prompt setting. */
const drawnUnder = (panel: Panel, prompt: PromptSettingId) => panel.drawings.filter(({ id }) => panel.drawn(id, prompt));

/** Models x measures, under one prompt setting. */
export function measureTable(
  view: View,
  panel: Panel,
  id: string,
  measures: readonly string[],
  prompt: PromptSettingId,
  drawings = drawnUnder(panel, prompt),
): Table {
  return {
    kind: 'table',
    id: panel.id(id),
    caption: `${capitalised(PROMPT_SETTINGS[prompt].label)}. ${measures.map((measure) => view.measure(measure).method(panel.condition)).join(' ')}`,
    rowHeader: 'Model',
    columns: measures.map((measure) => ({ label: view.measure(measure).label(panel.condition), better: view.measure(measure).better })),
    rows: drawings.map((drawing) => ({
      label: drawing.label,
      arm: shownAs(drawing),
      cells: measures.map((measure) => panel.value(drawing.id, prompt, measure)),
    })),
  };
}

/** The same as bars. */
export function promptBars(view: View, panel: Panel, measure: string): BarFigure {
  const label = view.measure(measure).label(panel.condition);
  return {
    kind: 'bar',
    id: panel.id(`${measure}-bars`),
    caption: `After training, by prompt setting: ${label}, 95% intervals over ${view.over}.`,
    categories: view.experiment.prompts.map((prompt) => PROMPT_SETTINGS[prompt].label),
    y: { label },
    series: panel.drawings.map((drawing) => ({
      label: drawing.label,
      arm: shownAs(drawing),
      values: view.experiment.prompts.map((prompt) => (panel.drawn(drawing.id, prompt) ? panel.value(drawing.id, prompt, measure) : null)),
    })),
  };
}

/** One measure of some drawings under one prompt setting, side by side; with a line where the scenes themselves stand. */
export function drawingBars(
  view: View,
  panel: Panel,
  id: string,
  measure: string,
  { drawings, prompt, remark = '' }: { drawings: readonly Drawing[]; prompt: PromptSettingId; remark?: string },
): BarFigure {
  const label = view.measure(measure).label(panel.condition);
  const real = panel.real(measure, drawings[0]);
  return {
    kind: 'bar',
    id: panel.id(id),
    caption: `${capitalised(label)}, ${PROMPT_SETTINGS[prompt].label}; 95% intervals over ${view.over}.${remark === '' ? '' : ` ${remark}`}`,
    categories: drawings.map((drawing) => drawing.label),
    y: { label },
    series: [{ label, values: drawings.map((drawing) => panel.value(drawing.id, prompt, measure)) }],
    ...(real.length === 0 ? {} : { references: [{ label: 'the scenes themselves', y: mean(real) }] }),
  };
}
