/**
 * Tells a server how playback goes: events and quality of one player, in batches, of a sample of all sessions.
 *
 * It listens to the player's public events and nothing else; what it cannot deliver it loses rather than disturb playback.
 */

import { pageError } from '../errors.js';
import { newId } from '../internal/cmcd.js';
import { VERSION } from '../internal/version.js';
import type { PlayerEventMap, PlayerEventTarget } from '../types.js';
import { MAX_INTERVAL, MIN_INTERVAL, type RemoteConfig, RemoteConfigSource, selection } from './config.js';
import { type Attributes, encodeOtlp } from './otlp.js';
import { Outbox } from './outbox.js';
import {
  DEFAULT_SELECTION,
  PLAIN_EVENTS,
  pick,
  type Record,
  type ReportEvent,
  read,
  type Selection,
} from './records.js';
import { isSampled } from './sampling.js';

export interface ReporterOptions {
  /** Where to post: for `otlp` the whole address, such as `https://collector.example.com/v1/metrics`. */
  url: string;
  /**
   * `json`: `{ sailcast, session, attributes, lost, records }`. `otlp`: OTLP/HTTP metrics in JSON, made of the `qos` events.
   * Default `json`.
   */
  format?: 'json' | 'otlp';
  /** Of the viewer's visit; decides with `sampling` whether it reports. Default: a new one for each reporter. */
  sessionId?: string;
  /** Part of all sessions that report, 0 to 1. Default 1. */
  sampling?: number;
  /** Events, and of each all fields or some. Default: all events but `statechange`, `skip` and `discontinuity`. */
  events?: Selection;
  /** Seconds between two posts. Default 10. */
  interval?: number;
  /** What the app knows: room, user group, ... Sent with each batch. */
  attributes?: Attributes;
  /** For each post; to another origin they need its consent by CORS. */
  headers?: Readonly<{ [name: string]: string }>;
  /** A document that says what to report, fetched again as it ages; what it says goes before the options above. */
  configUrl?: string;
}

/** One player, or the element of one. */
export class Reporter {
  readonly sessionId: string;
  readonly #outbox: Outbox<Record>;
  readonly #stop = new AbortController();
  readonly #config: RemoteConfigSource | undefined;
  #events: Selection;
  #sampling: number;
  #interval: number;
  /** Undefined until the remote document has been asked. */
  #sampled: boolean | undefined;
  #seq = 0;
  #load = 0;
  #loadedAt = 0;
  #stalls = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Begins at once. Throws a `SailcastError` of type `usage` for options that cannot be. */
  constructor(target: PlayerEventTarget, options: ReporterOptions) {
    const { url, format = 'json', sampling = 1, interval = 10, attributes = {}, headers = {} } = options;
    check(typeof url === 'string' && url !== '', 'url', url);
    check(format === 'json' || format === 'otlp', 'format', format);
    check(typeof sampling === 'number' && sampling >= 0 && sampling <= 1, 'sampling', sampling);
    check(interval >= MIN_INTERVAL && interval <= MAX_INTERVAL, 'interval', interval);
    this.sessionId = options.sessionId ?? newId();
    this.#sampling = sampling;
    this.#interval = interval;
    try {
      this.#events = options.events === undefined ? DEFAULT_SELECTION : selection(options.events);
    } catch (error) {
      throw pageError('optionInvalid', `The option events cannot be: ${(error as Error).message}.`);
    }
    this.#outbox = new Outbox({ url, headers }, records =>
      format === 'otlp'
        ? encodeOtlp(records, {
            'service.name': 'sailcast',
            'service.version': VERSION,
            'session.id': this.sessionId,
            'user_agent.original': navigator.userAgent,
            ...attributes,
          })
        : JSON.stringify({
            sailcast: VERSION,
            session: this.sessionId,
            userAgent: navigator.userAgent,
            attributes,
            lost: this.#outbox.lost,
            records,
          }),
    );
    this.#listen(target, format === 'otlp' ? ['qos'] : undefined);
    if (options.configUrl === undefined) {
      this.#decide();
      return;
    }
    this.#config = new RemoteConfigSource(options.configUrl, config => this.#apply(config));
    // Until it has come, or cannot be had, what happens is kept and nothing is sent.
    void this.#config.refresh().then(() => this.#decide());
  }

  /** Whether this session reports; undefined until that is decided. */
  get sampled(): boolean | undefined {
    return this.#sampled;
  }

  /** Why the newest remote document was not taken; null when it was, or there is none. */
  get configProblem(): string | null {
    return this.#config?.problem ?? null;
  }

  /** Sends what waits now. */
  flush(): void {
    if (this.#sampled) this.#outbox.flush();
  }

  /** Sends what waits and ends. */
  stop(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#config?.stop();
    clearInterval(this.#timer);
    if (this.#sampled) this.#outbox.leave();
    this.#outbox.close();
  }

  #listen(target: PlayerEventTarget, only?: readonly ReportEvent[]): void {
    const { signal } = this.#stop;
    const on = <K extends keyof PlayerEventMap>(
      name: K,
      listener: (detail: PlayerEventMap[K]['detail']) => void,
    ) => target.addEventListener(name, event => listener(event.detail), { signal });
    const report = (event: ReportEvent, detail: unknown) => {
      if (!only || only.includes(event)) this.#record(event, detail);
    };
    on('loadstart', detail => {
      this.#load++;
      this.#loadedAt = now();
      this.#stalls = 0;
      report('loadstart', detail);
    });
    for (const name of PLAIN_EVENTS) on(name, detail => report(name, detail));
    on('qos', detail => {
      const { recent, finished } = detail.stats.quality.stalls;
      const fresh = Math.min(Math.max(finished - this.#stalls, 0), recent.length);
      this.#stalls = finished;
      for (const stall of fresh > 0 ? recent.slice(-fresh) : []) report('stall', stall);
      report('qos', detail);
    });
    on('destroyed', () => this.stop());
    addEventListener('pagehide', () => this.#leave(), { signal });
    document.addEventListener(
      'visibilitychange',
      () => {
        if (document.visibilityState === 'hidden') this.#leave();
      },
      { signal },
    );
  }

  #record(event: ReportEvent, detail: unknown): void {
    const fields = this.#events[event];
    // Before the remote document is there, it is not known what it will want: all is kept, and chosen from then.
    if (this.#sampled === false || (this.#sampled && fields === undefined)) return;
    // A load that was there before the reporter begins with it.
    if (this.#load === 0) [this.#load, this.#loadedAt] = [1, now()];
    const data = read(event, detail);
    this.#outbox.add({
      event,
      at: now(),
      seq: ++this.#seq,
      load: this.#load,
      loadedAt: this.#loadedAt,
      data: this.#sampled && fields !== undefined ? pick(data, fields) : data,
    });
  }

  #apply(config: RemoteConfig): void {
    this.#sampling = config.sampling ?? this.#sampling;
    this.#events = config.events ?? this.#events;
    const interval = config.interval ?? this.#interval;
    if (interval === this.#interval) return;
    this.#interval = interval;
    if (this.#timer !== undefined) this.#start();
  }

  /** Once, for good. */
  #decide(): void {
    if (this.#sampled !== undefined || this.#stop.signal.aborted) return;
    this.#sampled = isSampled(this.sessionId, this.#sampling);
    const kept = this.#outbox.takeAll();
    if (!this.#sampled) return;
    this.#seq = 0;
    for (const record of kept) {
      const fields = this.#events[record.event];
      if (fields === undefined) continue;
      this.#outbox.add({ ...record, seq: ++this.#seq, data: pick(record.data, fields) });
    }
    this.#start();
  }

  #start(): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#outbox.flush(), this.#interval * 1000);
  }

  #leave(): void {
    if (this.#sampled) this.#outbox.leave();
  }
}

/** ms since 1970, on a clock that does not jump. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function check(good: boolean, name: string, value: unknown): void {
  if (!good) throw pageError('optionInvalid', `The option ${name} cannot be ${JSON.stringify(value)}.`);
}
