/**
 * The event log: newest last, following the newest unless the reader has scrolled away. An event that repeats at once
 * is one row with a count. Rows keep how to make their text, so that they follow the language.
 */
import * as format from './format.js';
import { onLanguage } from './i18n.js';

export type Level = 'plain' | 'notable' | 'error';

interface Entry {
  at: Date;
  name: string;
  detail: () => string;
  count: number;
  row: HTMLLIElement;
  cells: { time: HTMLElement; detail: HTMLElement };
}

const ROWS_MAX = 400;

export class Log {
  readonly #list: HTMLOListElement;
  #entries: Entry[] = [];

  constructor(list: HTMLOListElement) {
    this.#list = list;
    onLanguage(() => {
      for (const entry of this.#entries) render(entry);
    });
  }

  /** `coalesce`: events that come in a row, such as rate changes, share one row showing the newest. */
  add(name: string, detail: () => string = () => '', level: Level = 'plain', coalesce = false): void {
    const follow = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 24;
    const last = this.#entries.at(-1);
    if (last !== undefined && last.name === name && (coalesce || last.detail() === detail())) {
      last.at = new Date();
      last.detail = detail;
      last.count += 1;
      render(last);
    } else {
      const entry = create(name, detail, level);
      this.#entries.push(entry);
      this.#list.append(entry.row);
      if (this.#entries.length > ROWS_MAX) this.#entries.shift()?.row.remove();
    }
    if (follow) this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** One line a row, tab-separated, for a bug report or a spreadsheet. */
  text(): string {
    return this.#entries
      .map(entry => [entry.at.toISOString(), entry.name, words(entry)].join('\t').trimEnd())
      .join('\n');
  }
}

function create(name: string, detail: () => string, level: Level): Entry {
  const row = document.createElement('li');
  row.className = level;
  const time = row.appendChild(document.createElement('time'));
  const event = row.appendChild(document.createElement('span'));
  event.className = 'event';
  event.textContent = name;
  const text = row.appendChild(document.createElement('span'));
  text.className = 'detail';
  const entry: Entry = { at: new Date(), name, detail, count: 1, row, cells: { time, detail: text } };
  render(entry);
  return entry;
}

function words(entry: Entry): string {
  const repeated = entry.count > 1 ? `(${entry.count}×)` : '';
  return [entry.detail(), repeated].filter(part => part !== '').join(' ');
}

function render(entry: Entry): void {
  entry.cells.time.textContent = format.clock(entry.at);
  entry.cells.detail.textContent = words(entry);
}
