/**
 * A player's way to the engine: the worker's session it has at present, the addresses that this one is given, and the life
 * of the page, which it passes on.
 *
 * Its one invariant: only the present session is heard, and an address that comes late for another one is dropped. It has at
 * most one session; what to do when that is lost is its owner's decision.
 */
import type { SailcastError } from '../errors.js';
import { type Attempt, Cmcd } from './cmcd.js';
import { EngineHost } from './engine-host.js';
import { isPageVisible, watchPage } from './life.js';
import { absolute, Lines, preconnect, reasonOf } from './lines.js';
import type { Settings } from './options.js';
import type { LatencyBounds, ToPage, ToWorker, WorkerEvent } from './protocol.js';
import { type EngineLog, LogRequests } from './session-log.js';
import type { View } from './view.js';

/** What a load brings. */
export type FromLoad = Extract<ToPage, { load: number }>;

export interface LinkEvents {
  receive(message: FromLoad): void;
  /** Another session follows: what the present one was given is taken back while it can be told. */
  leaving(): void;
  /** The session is lost, because of another player if `blameless`; or there is no address. */
  failed(error: SailcastError, blameless?: boolean): void;
  /** For the mark on the address of a further try. */
  attempt(): Attempt;
}

export class Link {
  readonly #settings: Settings;
  readonly #view: View;
  readonly #events: LinkEvents;
  readonly #cmcd: Cmcd | undefined;
  readonly #logs = new LogRequests();
  #latency: LatencyBounds;
  #host: EngineHost | undefined;
  /** The present session was told to load something. */
  #loads = false;
  #lines: Lines | undefined;
  #unwatch: (() => void) | undefined;
  /** As the session was told. */
  #visible = true;

  constructor(settings: Settings, view: View, events: LinkEvents) {
    this.#settings = settings;
    this.#view = view;
    this.#events = events;
    this.#latency = settings.latency;
    this.#cmcd = settings.cmcd && new Cmcd(settings.cmcd);
  }

  /** As every session is told. */
  get latency(): LatencyBounds {
    return this.#latency;
  }

  set latency(latency: LatencyBounds) {
    this.#latency = latency;
    this.send({ type: 'latency', latency });
  }

  /** Whether there is a session. */
  get open(): boolean {
    return this.#host !== undefined;
  }

  send(message: ToWorker, transfer?: Transferable[]): void {
    this.#host?.send(message, transfer);
  }

  /** Makes a session if there is none. `follows`: it goes on with what the viewer has seen already. */
  ensure(follows = false): void {
    if (!this.#host) this.#use(this.#fresh(), follows);
  }

  /** Goes on with another session, which may have begun to load already. */
  swap(host: EngineHost): void {
    this.#events.leaving();
    const before = this.#host;
    before?.close();
    this.#use(host, before !== undefined);
  }

  /** Sends the load to the session, as soon as its first address is known; `asked`: it was asked for already. */
  load(load: number, given: readonly string[], asked?: string, reason: 'load' | 'crash' = 'load'): void {
    const cmcd = this.#cmcd;
    const lines = new Lines(given.map(absolute), {
      resolveUrl: this.#settings.resolveUrl,
      mark: cmcd && ((url, again) => cmcd.sign(url, again ? this.#events.attempt() : undefined)),
    });
    this.#lines = lines;
    const send = (addresses: readonly string[]) => {
      // Another load, or another worker for the same one, may have asked anew.
      if (this.#lines !== lines) return;
      preconnect(addresses[0] ?? '');
      this.send({ type: 'load', load, lines: addresses, resolve: lines.resolve });
      this.#loads = true;
    };
    const addresses = asked === undefined ? lines.first(reason) : lines.adopt(asked);
    if (!(addresses instanceof Promise)) {
      send(addresses);
      return;
    }
    // The stream before ends now, not when the address of the next one is known.
    if (this.#loads) this.swap(this.#fresh());
    addresses.then(send, error => {
      if (this.#lines === lines) this.#events.failed(error);
    });
  }

  /** The engine wants to try again, and needs an address. */
  resolve(load: number, event: Extract<WorkerEvent, { name: 'resolve' }>): void {
    const { request, url, attempt, reason } = event;
    const host = this.#host;
    this.#lines?.again({ url, attempt, reason }).then(
      url => host?.send({ type: 'resolved', load, request, url }),
      error => host?.send({ type: 'unresolved', load, request, why: reasonOf(error) }),
    );
  }

  /** The engine's log; null without one. */
  async log(): Promise<EngineLog | null> {
    return this.#host ? this.#logs.ask(request => this.send({ type: 'log', request })) : null;
  }

  /** Tells the session whether its picture can be seen, if that is new. */
  look(): void {
    const visible = isPageVisible() || this.#view.apart;
    if (visible !== this.#visible) this.send({ type: 'visible', visible });
    this.#visible = visible;
  }

  /** For good. */
  close(): void {
    this.#unwatch?.();
    this.#host?.close();
    this.#host = undefined;
    this.#lines = undefined;
  }

  #fresh(): EngineHost {
    return new EngineHost(this.#settings.base, () => {});
  }

  #use(host: EngineHost, follows: boolean): void {
    const { background, decoder } = this.#settings;
    host.begin(
      { sink: this.#view.sink(follows), latency: this.#latency, background, decoder },
      message => {
        if (this.#host !== host) return;
        if (message.type === 'log') this.#logs.answer(message.request, message.log);
        else if (message.type !== 'closed') this.#events.receive(message);
      },
      (error, blameless) => {
        if (this.#host !== host) return;
        this.#host = undefined;
        this.#lines = undefined;
        this.#events.failed(error, blameless);
      },
    );
    this.#host = host;
    this.#loads = false;
    this.#view.refresh();
    this.#unwatch ??= watchPage({
      visible: () => this.look(),
      online: online => this.send({ type: 'online', online }),
      networkChanged: () => this.send({ type: 'networkChanged' }),
      suspend: () => this.send({ type: 'suspend' }),
      putAway: () => {
        this.send({ type: 'suspend' });
        this.#view.putAway();
      },
      wake: () => this.#wake(),
    });
    this.#visible = true;
    this.look();
    if (!navigator.onLine) this.send({ type: 'online', online: false });
  }

  #wake(): void {
    const sink = this.#view.bringBack();
    if (sink && this.#host) {
      this.#host.replaceSink(sink);
      this.#view.refresh();
    }
    this.send({ type: 'wake' });
  }
}
