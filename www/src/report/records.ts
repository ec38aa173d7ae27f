/** What is reported: the player's events as plain records, and the choice of events and fields. */
import type { PlayerEventMap, PlayerSnapshot } from '../types.js';

/** The player's events that are reported as they come. */
export const PLAIN_EVENTS = [
  'firstframe',
  'skip',
  'discontinuity',
  'reconnecting',
  'autoplayblocked',
  'error',
  'statechange',
  'ended',
] as const;

/** All that can be reported. `stall` is one that has ended. */
export const EVENTS = ['loadstart', 'stall', 'qos', ...PLAIN_EVENTS] as const;

export type ReportEvent = (typeof EVENTS)[number];

/** Events to report, each whole (`true`) or with the named fields only: paths such as `quality.stalls.ratio`. */
export type Selection = Partial<Record<ReportEvent, true | readonly string[]>>;

/** All but what comes often and `qos` tells in sum. */
export const DEFAULT_SELECTION: Selection = {
  loadstart: true,
  firstframe: true,
  stall: true,
  reconnecting: true,
  autoplayblocked: true,
  error: true,
  ended: true,
  qos: true,
};

export interface Record_ {
  event: ReportEvent;
  /** ms since 1970. */
  at: number;
  /** Of the session, from 1 on: a receiver finds gaps and repetitions by it. */
  seq: number;
  /** Of the player, from 1 on. */
  load: number;
  /** When that load began, ms since 1970. */
  loadedAt: number;
  data: Readonly<Record<string, unknown>>;
}
export type { Record_ as Record };

/** What the listener of one event makes of it; several records, for several stalls that ended between two snapshots. */
export function read<K extends ReportEvent>(event: K, detail: unknown): Readonly<Record<string, unknown>> {
  if (event === 'qos') {
    const { cause, stats } = detail as PlayerEventMap['qos']['detail'];
    return { cause, ...(plain(stats) as PlayerSnapshot) };
  }
  if (event === 'error') {
    // Its fields are its prototype's or not enumerable.
    const { type, details, code, fatal, message } = detail as PlayerEventMap['error']['detail'];
    return { type, details, code, fatal, message: withoutQuery(message) };
  }
  if (event === 'loadstart') {
    return { url: withoutQuery((detail as PlayerEventMap['loadstart']['detail']).url) };
  }
  return (plain(detail) as Record<string, unknown> | null) ?? {};
}

/** The chosen fields, nested as they were. */
export function pick(
  data: Readonly<Record<string, unknown>>,
  fields: true | readonly string[],
): Readonly<Record<string, unknown>> {
  if (fields === true) return data;
  const picked: Record<string, unknown> = {};
  for (const path of fields) copy(data, picked, path.split('.'));
  return picked;
}

/** The value at a path, undefined where there is none. */
export function valueAt(data: unknown, path: string): unknown {
  let value = data;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function copy(from: unknown, to: Record<string, unknown>, [key, ...rest]: readonly string[]): void {
  if (key === undefined || typeof from !== 'object' || from === null || !Object.hasOwn(from, key)) return;
  const value = (from as Record<string, unknown>)[key];
  if (rest.length === 0) {
    define(to, key, value);
    return;
  }
  const inner = Object.hasOwn(to, key) ? to[key] : {};
  if (typeof inner !== 'object' || inner === null) return;
  define(to, key, inner);
  copy(value, inner as Record<string, unknown>, rest);
}

/** Keys may come from a remote document: `__proto__` stays a key. */
function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

/** Signatures stay in the browser. */
function withoutQuery(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/?#"']*@)?([^\s?#"']*)[?#][^\s"']*/gi, '$1$2?…');
}
