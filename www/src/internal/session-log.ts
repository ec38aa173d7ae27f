/**
 * What a bug report needs, as JSON: the page's own short log, the engine's, and what surrounds them. Addresses lose what
 * may be secret: user, password, the values of the query, the fragment.
 */
import type { PlayerSnapshot } from '../types.js';
import { VERSION } from './version.js';

/** Something that happened; `at` in ms since 1970. The other fields depend on `what`. */
export interface LogEntry {
  at: number;
  what: string;
  [field: string]: unknown;
}

/** What the engine kept: bounded there. */
export interface EngineLog {
  entries: LogEntry[];
  /** Older entries that had to go. */
  lost: number;
}

/** Entries of the page's log. */
const CAPACITY = 100;

/** The player's events that tell what happened and do not come all the time. */
const TOLD: ReadonlySet<string> = new Set([
  'loadstart',
  'statechange',
  'error',
  'autoplayblocked',
  'volumechange',
  'reconnecting',
]);

/** The newest entries. A crash of the worker takes its log with it; this one stays. */
export class PageLog {
  readonly entries: LogEntry[] = [];

  note(what: string, detail: unknown): void {
    if (!TOLD.has(what)) return;
    const entry = { at: performance.timeOrigin + performance.now(), what, ...fields(detail) };
    if (this.entries.push(entry) > CAPACITY) this.entries.shift();
  }
}

function fields(detail: unknown): Record<string, unknown> {
  if (detail instanceof Error) {
    const { code, fatal, message } = detail as Error & { code?: number; fatal?: boolean };
    return { code, fatal, message: publicText(message) };
  }
  const { url, ...rest } = (detail ?? {}) as { url?: string };
  return url === undefined ? rest : { ...rest, url: publicUrl(url) };
}

/** An address that may be shown to others. */
export function publicUrl(url: string | undefined): string | undefined {
  if (url === undefined) return undefined;
  const [, place = '', query] = /^([^?#]*)(\?)?/.exec(url) ?? [];
  return place.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1') + (query ? '?…' : '');
}

/** A text in which addresses are public. */
export function publicText(text: string): string {
  return text.replace(/[a-z][a-z0-9+.-]*:\/\/[^\s"']+/gi, url => publicUrl(url) ?? '');
}

export function exportLog(
  page: PageLog,
  engine: EngineLog | null,
  stats: PlayerSnapshot,
  settings: Record<string, unknown>,
): string {
  const report = {
    sailcast: VERSION,
    at: new Date().toISOString(),
    userAgent: navigator.userAgent,
    page: publicUrl(location.href),
    crossOriginIsolated: globalThis.crossOriginIsolated,
    cores: navigator.hardwareConcurrency,
    options: settings,
    stats,
    /** Null: the worker is gone, or did not answer. */
    engine,
    log: page.entries,
  };
  return JSON.stringify(report, null, 1);
}
