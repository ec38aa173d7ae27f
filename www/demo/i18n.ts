/**
 * Which language the page speaks. Elements carry `data-i18n` (their text) or `data-i18n-label` (accessible name and
 * tooltip); text made at run time asks `t()` again when `onLanguage` fires.
 */
import { en, type Key, zh } from './strings.js';

export type Lang = 'en' | 'zh';
export type { Key };

const listeners = new Set<() => void>();
let current: Lang = 'en';

export function detect(): Lang {
  const wanted = navigator.languages.length > 0 ? navigator.languages : [navigator.language];
  const known = wanted.find(tag => /^(en|zh)\b/i.test(tag));
  return known !== undefined && /^zh/i.test(known) ? 'zh' : 'en';
}

export function language(): Lang {
  return current;
}

export function setLanguage(lang: Lang): void {
  current = lang;
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
  translate(document);
  for (const listener of listeners) listener();
}

/** Runs after each change of language. */
export function onLanguage(listener: () => void): void {
  listeners.add(listener);
}

/** `{name}` in the phrase is replaced by `values.name`. */
export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  const phrase = (current === 'zh' ? zh : en)[key];
  return phrase.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Narrows a name made at run time, such as `error.` with the error's details. */
export function isKey(name: string): name is Key {
  return Object.hasOwn(en, name);
}

/** Names a control for everyone: screen readers and the tooltip. */
export function label(element: Element, text: string): void {
  element.setAttribute('aria-label', text);
  if (element instanceof HTMLButtonElement) element.title = text;
}

function translate(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>('[data-i18n]')) {
    const key = element.dataset.i18n;
    if (key !== undefined && isKey(key)) element.textContent = t(key);
  }
  for (const element of root.querySelectorAll<HTMLElement>('[data-i18n-label]')) {
    const key = element.dataset.i18nLabel;
    if (key !== undefined && isKey(key)) label(element, t(key));
  }
}
