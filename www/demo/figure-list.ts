/** A list of names and figures, which follows the language. */
import * as format from './format.js';
import { type Key, onLanguage, t } from './i18n.js';

export type Row<Values> = readonly [name: Key, value: (values: Values) => string];

export class FigureList<Values> {
  readonly #rows: readonly Row<Values>[];
  readonly #cells: { name: HTMLElement; value: HTMLElement }[];
  #values: Values | null = null;

  constructor(list: HTMLElement, rows: readonly Row<Values>[]) {
    this.#rows = rows;
    this.#cells = rows.map(() => {
      const pair = list.appendChild(document.createElement('div'));
      return {
        name: pair.appendChild(document.createElement('dt')),
        value: pair.appendChild(document.createElement('dd')),
      };
    });
    onLanguage(() => this.#render());
    this.#render();
  }

  /** Null: nothing is known. */
  show(values: Values | null): void {
    this.#values = values;
    this.#render();
  }

  #render(): void {
    this.#rows.forEach(([key, value], i) => {
      const cell = this.#cells[i];
      if (cell === undefined) return;
      cell.name.textContent = t(key);
      const text = this.#values === null ? format.NONE : value(this.#values);
      cell.value.textContent = text;
      // A long text may be cut short in a narrow column.
      cell.value.title = text;
    });
  }
}
