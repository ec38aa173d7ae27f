/** The page's elements, by their ids. */

/** The part left of a slider's thumb, for the style sheet. */
export function fill(range: HTMLInputElement): void {
  const [min, max] = [Number(range.min), Number(range.max)];
  range.style.setProperty('--fill', `${((range.valueAsNumber - min) / (max - min)) * 100}%`);
}

export function get<T extends Element>(id: string, type: abstract new (...args: never[]) => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no #${id}`);
  return element;
}

/** Text that is often the same: untouched unless it changes. */
export function set(id: string, text: string): void {
  const element = get(id, HTMLElement);
  if (element.textContent !== text) element.textContent = text;
}

export function icon(button: HTMLElement, name: string): void {
  const use = button.querySelector('use');
  if (use?.getAttribute('href') !== `#${name}`) use?.setAttribute('href', `#${name}`);
}
