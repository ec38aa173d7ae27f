/** The settings as they stand. The address bar holds them, for the next visit and for others. */
import { format, parse, type Settings } from './permalink.js';

const listeners = new Set<() => void>();
let current = parse(location.hash);

export function settings(): Readonly<Settings> {
  return current;
}

export function wishFor(change: Partial<Settings>): void {
  current = { ...current, ...change };
  history.replaceState(null, '', linkTo({}));
  for (const listener of listeners) listener();
}

/** After the address changed without us: another permalink was opened. */
export function reread(): void {
  current = parse(location.hash);
  for (const listener of listeners) listener();
}

export function onSettings(listener: () => void): void {
  listeners.add(listener);
}

/** The address of the page as it would be with other settings. */
export function linkTo(change: Partial<Settings>): string {
  const hash = format({ ...current, ...change });
  return hash === '' ? location.pathname + location.search : `#${hash}`;
}
