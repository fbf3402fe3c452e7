const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const WITH_COMMA = /^[+-]?(?:\d+,\d*|,\d+)(?:e[+-]?\d+)?$/i;
/** Such as 70M or 1.5 B. */
const WITH_UNIT = /^\d+(?:[.,]\d+)?\s*[kmbgt]n?$/i;
/** Digits and what may separate them. */
const SEPARATED = /^\d[\d.,'\u2019_\s]*$/;

/**
 * A positive decimal number, or what is wrong with the field. Other notations that `Number` knows, such as 0x10, are none.
 * @param decimalComma whether a comma may be the decimal point: where it does not separate fields
 */
export function readNumber(field: string, { decimalComma }: { decimalComma: boolean }): number | string {
  const text = field.trim();
  const decimal = decimalComma && WITH_COMMA.test(text) ? text.replace(',', '.') : text;
  const value = DECIMAL.test(decimal) ? Number(decimal) : NaN;
  if (value > 0 && Number.isFinite(value)) return value;
  if (WITH_UNIT.test(text)) return `is "${text}": write it out, as 70e6, or put the unit into the heading, as "params (M)"`;
  if (Number.isNaN(value) && SEPARATED.test(text)) return `is "${text}": write it with a decimal point and without thousands separators`;
  return `is "${field}", not a positive number`;
}

/** Whether a field has three digits behind one point or comma, and before it one to three that begin with none of 0, as thousands have. */
export const isThousands = (field: string): boolean => /^\s*[1-9]\d{0,2}[.,]\d{3}\s*$/.test(field);
