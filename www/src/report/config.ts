/**
 * What to report, as the server wants it now (动态埋点): a JSON document, fetched again when its age is over.
 *
 * It is taken whole or not at all. One that cannot be had, or that has anything in it which is not known here, changes
 * nothing: the last good one stays.
 */
import { EVENTS, type ReportEvent, type Selection } from './records.js';

/**
 * ```json
 * { "version": 1, "sampling": 0.1, "maxAge": 600, "interval": 30,
 *   "events": { "error": true, "qos": ["latency", "quality.stalls.ratio"] } }
 * ```
 */
export interface RemoteConfig {
  version: 1;
  /** Part of all sessions that report, 0 to 1. Read once a session. */
  sampling?: number;
  /** Events to report; those not named are not. */
  events?: Selection;
  /** Seconds between two posts. */
  interval?: number;
  /** Seconds until it is fetched again; before the response's own `max-age`. */
  maxAge?: number;
}

const DEFAULT_AGE = 300;
export const MIN_AGE = 10;
export const MAX_AGE = 86_400;
export const MIN_INTERVAL = 1;
export const MAX_INTERVAL = 3600;
const MAX_FIELDS = 100;
const FIELD = /^[A-Za-z0-9]+(\.[A-Za-z0-9]+){0,5}$/;
/** Characters of a document that is worth reading. */
const MAX_LENGTH = 64_000;
const WITHIN_MS = 10_000;

const KEYS = ['version', 'sampling', 'events', 'interval', 'maxAge'];

/** Throws an `Error` that names what is wrong. */
export function validate(document: unknown): RemoteConfig {
  const config = object(document, 'the document');
  const unknown = Object.keys(config).find(key => !KEYS.includes(key));
  if (unknown !== undefined) throw new Error(`${unknown} is not known`);
  if (config.version !== 1) throw new Error(`version is ${JSON.stringify(config.version)} and not 1`);
  const result: RemoteConfig = { version: 1 };
  if (config.sampling !== undefined) result.sampling = number(config.sampling, 'sampling', 0, 1);
  if (config.maxAge !== undefined) result.maxAge = number(config.maxAge, 'maxAge', MIN_AGE, MAX_AGE);
  if (config.interval !== undefined) {
    result.interval = number(config.interval, 'interval', MIN_INTERVAL, MAX_INTERVAL);
  }
  if (config.events !== undefined) result.events = selection(config.events);
  return result;
}

/** Also for what a page gives to the constructor. */
export function selection(value: unknown): Selection {
  const result: Selection = {};
  for (const [event, fields] of Object.entries(object(value, 'events'))) {
    if (!EVENTS.includes(event as ReportEvent)) throw new Error(`there is no event ${event}`);
    result[event as ReportEvent] = fields === true ? true : fieldsOf(fields, event);
  }
  return result;
}

function fieldsOf(value: unknown, event: string): readonly string[] {
  const good = (field: unknown) => typeof field === 'string' && FIELD.test(field);
  if (!Array.isArray(value) || value.length > MAX_FIELDS || !value.every(good)) {
    throw new Error(`events.${event} is neither true nor a list of at most ${MAX_FIELDS} fields`);
  }
  return value;
}

function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${name} is no object`);
  }
  return value as Record<string, unknown>;
}

function number(value: unknown, name: string, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new Error(`${name} is not a number from ${min} to ${max}`);
}

/** Seconds that a response may be kept, by its `Cache-Control`. */
export function maxAge(header: string | null): number {
  const found = /(?:^|[\s,])max-age\s*=\s*"?(\d+)/i.exec(header ?? '');
  const seconds = found ? Number(found[1]) : DEFAULT_AGE;
  return Math.min(Math.max(seconds, MIN_AGE), MAX_AGE);
}

/** Keeps the newest good document of an address. */
export class RemoteConfigSource {
  readonly #url: string;
  readonly #onConfig: (config: RemoteConfig) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  #problem: string | null = null;

  /** `onConfig` hears every good one. */
  constructor(url: string, onConfig: (config: RemoteConfig) => void) {
    this.#url = url;
    this.#onConfig = onConfig;
  }

  /** Why the newest document was not taken; null when it was. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Resolves after the first try, whatever came of it. */
  async refresh(): Promise<void> {
    clearTimeout(this.#timer);
    let age = DEFAULT_AGE;
    try {
      const response = await fetch(this.#url, {
        cache: 'no-cache',
        credentials: 'omit',
        signal: AbortSignal.timeout(WITHIN_MS),
      });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      age = maxAge(response.headers.get('cache-control'));
      const text = await response.text();
      if (text.length > MAX_LENGTH) throw new Error(`it has more than ${MAX_LENGTH} characters`);
      const config = validate(JSON.parse(text));
      if (this.#stopped) return;
      age = config.maxAge ?? age;
      this.#problem = null;
      this.#onConfig(config);
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.refresh(), age * 1000);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
