/** Light or dark: the system's choice until the viewer makes one, which this browser then remembers. */

const KEY = 'sailcast.theme';
const listeners = new Set<() => void>();

export function applyTheme(): void {
  const kept = recall();
  if (kept !== null) document.documentElement.dataset.theme = kept;
}

export function toggleTheme(): void {
  const next = isDark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

/** Runs after each change, by the viewer or by the system. */
export function onTheme(listener: () => void): void {
  listeners.add(listener);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', listener);
}

function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === 'dark';
}

function recall(): 'light' | 'dark' | null {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : null;
  } catch {
    return null;
  }
}
