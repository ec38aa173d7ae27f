/** Things the visitor takes along: files and copies. */
import { set } from './dom.js';
import { isKey, t } from './i18n.js';

const SHOWN_MS = 1600;

/** Lets the browser save a file. */
export function save(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The download has taken it over by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The same, of JSON, its name with the time in it. */
export function saveJson(name: string, text: string): void {
  save(`${name}-${stamp()}.json`, new Blob([text], { type: 'application/json' }));
}

/** The time, as a file's name may hold it. */
export function stamp(): string {
  return new Date().toISOString().replace(/[:.]/g, '-');
}

/** Shows on the button, and says, whether the copy was made. */
export async function copy(button: HTMLElement, text: string, done: 'copied' | 'linkCopied'): Promise<void> {
  let message = t(done);
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    message = t('copyFailed');
  }
  set('status', message);
  const words = button.querySelector<HTMLElement>('[data-i18n]');
  if (words === null) return;
  const key = words.dataset.i18n ?? '';
  words.textContent = message;
  setTimeout(() => {
    if (isKey(key)) words.textContent = t(key);
  }, SHOWN_MS);
}
