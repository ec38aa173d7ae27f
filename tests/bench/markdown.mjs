/** Figures as Markdown tables, and their place in docs/performance.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median } from './figures.mjs';

const DOCUMENT = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));

/** Three figures at least, no decimals from 100 on. */
function number(value) {
  return value.toFixed(Math.abs(value) < 100 ? 1 : 0);
}

/** Median and range; `absent` says what a missing figure means. */
export function cell(values, absent = '–') {
  const known = values.filter(Number.isFinite);
  if (known.length === 0) return absent;
  const missing = values.length > known.length ? ` (${values.length - known.length} × ${absent})` : '';
  if (known.length === 1) return number(known[0]) + missing;
  return `${number(median(known))} [${number(Math.min(...known))}, ${number(Math.max(...known))}]${missing}`;
}

/** `head` and `rows` are lists of cells; `words`: so many columns on the left are no numbers. */
export function table(head, rows, words = 1) {
  const rule = head.map((_, i) => (i < words ? '---' : '--:'));
  return [head, rule, ...rows].map(row => `| ${row.join(' | ')} |`).join('\n');
}

/** Replaces what is between the marks of the document with this name. */
export function writeBetween(name, text) {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [before, rest] = readFileSync(DOCUMENT, 'utf8').split(begin);
  writeFileSync(DOCUMENT, [before, begin, '\n\n', text, '\n\n', end, rest.split(end)[1]].join(''));
}
