/**
 * The way to the worker: one host after another, each with the same settings, sources and page.
 *
 * Its one invariant: a worker that is gone says nothing more. One that crashes while it publishes is replaced by another, but
 * not twice within a minute: then it most likely has to do with what it is given.
 */
import type { SailcastError } from '../../errors.js';
import { PublishHost, type ToPublisher } from './engine-host.js';
import { tellPage } from './guard.js';
import type { ToPublishWorker } from './protocol.js';

const CRASHES_APART = 60_000;

export interface LinkEvents {
  receive(message: ToPublisher): void;
  /** Another worker takes over: it needs settings and sources. */
  begin(): void;
  /** `again`: another one may be begun for what was going on. */
  failed(error: SailcastError, again: boolean): void;
}

export class Link {
  readonly #base: URL | undefined;
  readonly #events: LinkEvents;
  #host: PublishHost | undefined;
  #crashedAt = Number.NEGATIVE_INFINITY;

  constructor(base: URL | undefined, events: LinkEvents) {
    this.#base = base;
    this.#events = events;
  }

  /** There is a worker, if only one that is still starting. */
  get open(): boolean {
    return this.#host !== undefined;
  }

  ensure(): void {
    if (this.#host) return;
    const host = new PublishHost(
      this.#base,
      message => this.#events.receive(message),
      error => this.#lost(error),
    );
    this.#host = host;
    this.#events.begin();
    tellPage(message => this.send(message));
  }

  send(message: ToPublishWorker, transfer?: Transferable[]): void {
    this.#host?.send(message, transfer);
  }

  close(): void {
    this.#host?.close();
    this.#host = undefined;
  }

  #lost(error: SailcastError): void {
    this.#host = undefined;
    const last = this.#crashedAt;
    const crashed = error.details === 'workerCrashed';
    if (crashed) this.#crashedAt = performance.now();
    this.#events.failed(error, crashed && this.#crashedAt - last > CRASHES_APART);
  }
}
