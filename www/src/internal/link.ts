/**
 * A player's way to the engine: the worker's session it has at present, the addresses that this one is given, and the life
 * of the page, which it passes on.
 *
 * Its one invariant: only the present session is heard, and an address that comes late for another one is dropped. It has at
 * most one session; what to do when that is lost is its owner's decision.
 */
import type { SailcastError } from '../errors.js';
import type { SourceType } from '../types.js';
import { type Attempt, Cmcd } from './cmcd.js';
import { EngineHost } from './engine-host.js';
import { isPageVisible, watchPage } from './life.js';
import { absolute, Lines, preconnect, reasonOf } from './lines.js';
import type { Settings } from './options.js';
import { compile } from './pool.js';
import type { Answers, LatencyBounds, ToPage, ToWorker, WorkerEvent } from './protocol.js';
import { type Build, buildFor, type Given, preferred } from './source.js';
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
  #latency: LatencyBounds;
  #rate: number;
  #loop: boolean;
  #host: EngineHost | undefined;
  /** The present session was told to load something. */
  #loads = false;
  /** Of the present load: of its stream, or of each rendition. */
  #lines: readonly Lines[] = [];
  #unwatch: (() => void) | undefined;
  /** As the session was told. */
  #visible = true;

  constructor(settings: Settings, view: View, events: LinkEvents) {
    this.#settings = settings;
    this.#view = view;
    this.#events = events;
    this.#latency = settings.latency;
    this.#rate = settings.playbackRate;
    this.#loop = settings.loop;
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

  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    this.#rate = rate;
    this.send({ type: 'rate', rate });
  }

  get loop(): boolean {
    return this.#loop;
  }

  set loop(loop: boolean) {
    this.#loop = loop;
    this.send({ type: 'loop', loop });
  }

  /** Whether there is a session. */
  get open(): boolean {
    return this.#host !== undefined;
  }

  send(message: ToWorker, transfer?: Transferable[]): void {
    this.#host?.send(message, transfer);
  }

  /** The module that a load needs. */
  buildFor(given: Given): Build {
    return buildFor(preferred(given) ?? '', this.#typeOf(given));
  }

  /** Makes a session with this module if there is none. `follows`: it goes on with what the viewer has seen already. */
  ensure(build: Build, follows = false): void {
    if (!this.#host) this.#use(this.#fresh(build), follows);
    else if (!this.has(build)) this.swap(this.#fresh(build));
  }

  /** The session, if there is one, has this module or more. */
  has(build: Build): boolean {
    return this.#host?.has(build) ?? true;
  }

  /** Fetches the module and starts its worker, so that a session begins at once. What fails here fails again then, and is told. */
  async prepare(build: Build): Promise<void> {
    const host = this.#fresh(build);
    await compile(this.#settings.base, build).catch(() => {});
    host.close();
  }

  /** Goes on with another session, which may have begun to load already. */
  swap(host: EngineHost): void {
    this.#events.leaving();
    const before = this.#host;
    before?.close();
    this.#use(host, before !== undefined);
  }

  /**
   * Sends the load to the session, as soon as its first addresses are known, and resolves then. `asked`: that of its only stream was
   * asked for already.
   */
  async load(load: number, given: Given, asked?: string, reason: 'load' | 'crash' = 'load'): Promise<void> {
    const { renditions, rendition } = given;
    const cmcd = this.#cmcd;
    const signing = {
      resolveUrl: this.#settings.resolveUrl,
      mark:
        cmcd && ((url: string, again: boolean) => cmcd.sign(url, again ? this.#events.attempt() : undefined)),
    };
    const streams = renditions.length > 0 ? renditions : [given];
    const lines = streams.map(stream => new Lines(stream.lines.map(absolute), signing));
    this.#lines = lines;
    const send = (addresses: readonly (readonly string[])[]) => {
      // Another load, or another worker for the same one, may have asked anew.
      if (this.#lines !== lines) return;
      preconnect(addresses[rendition ?? 0]?.[0] ?? '');
      this.send({
        type: 'load',
        load,
        resolve: lines[0]?.resolve ?? false,
        kind: this.#typeOf(given),
        lines: renditions.length > 0 ? [] : (addresses[0] ?? []),
        renditions: renditions.map((one, i) => ({ ...one, lines: addresses[i] ?? [] })),
        rendition,
        start: given.startTime,
        ...given.begun,
      });
      this.#loads = true;
    };
    const firsts = lines.map(line => (asked === undefined ? line.first(reason) : line.adopt(asked)));
    if (firsts.every(isHere)) {
      send(firsts);
      return;
    }
    // The stream before ends now, not when the address of the next one is known.
    if (this.#loads && this.#host) this.swap(this.#fresh(this.#host.build));
    await Promise.all(firsts).then(send, error => {
      if (this.#lines === lines) this.#events.failed(error);
    });
  }

  #typeOf(given: Given): SourceType {
    return given.sourceType ?? this.#settings.source.sourceType ?? 'auto';
  }

  /** The engine wants to try again, and needs an address. */
  resolve(load: number, event: Extract<WorkerEvent, { name: 'resolve' }>): void {
    const { request, url, attempt, reason } = event;
    const host = this.#host;
    const lines = this.#lines.find(line => line.has(url)) ?? this.#lines[0];
    const answer = (good: boolean, answer: string) =>
      host?.send({ type: 'resolved', load, request, good, answer });
    lines?.again({ url, attempt, reason }).then(
      url => answer(true, url),
      error => answer(false, reasonOf(error)),
    );
  }

  /** Null: the session has none. */
  async ask<What extends keyof Answers>(what: What): Promise<Answers[What] | null> {
    return this.#host?.ask(what) ?? null;
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
    this.#lines = [];
  }

  #fresh(build: Build): EngineHost {
    return new EngineHost(this.#settings.base, build, () => {});
  }

  #use(host: EngineHost, follows: boolean): void {
    const { background, decoder } = this.#settings;
    host.begin(
      { sink: this.#view.sink(follows), latency: this.#latency, background, decoder },
      message => {
        if (this.#host !== host) return;
        if (message.type !== 'closed') this.#events.receive(message);
      },
      (error, blameless) => {
        if (this.#host !== host) return;
        this.#host = undefined;
        this.#lines = [];
        this.#events.failed(error, blameless);
      },
    );
    this.#host = host;
    this.#loads = false;
    this.send({ type: 'rate', rate: this.#rate });
    this.send({ type: 'loop', loop: this.#loop });
    this.#view.refresh();
    const suspend = () => this.send({ type: 'suspend' });
    this.#unwatch ??= watchPage({
      visible: () => this.look(),
      online: online => this.send({ type: 'online', online }),
      networkChanged: () => this.send({ type: 'networkChanged' }),
      suspend,
      putAway: () => {
        suspend();
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

function isHere<T>(value: T | Promise<T>): value is T {
  return !(value instanceof Promise);
}
