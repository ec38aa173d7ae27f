/**
 * What a player talks to: its session in a worker of the pool, from its start to its end.
 *
 * It may be started before there is a player for it, which then `begin()`s. Messages go out at once and in the order of
 * `send()`; the worker keeps them until it has the module. After `close()` or `onFailed` nothing comes in any more. It starts
 * nothing again: whoever owns it makes another one.
 */
import type { SailcastError } from '../errors.js';
import { join, type Seat } from './pool.js';
import type { Answers, SinkMessage, ToPage, ToWorker } from './protocol.js';
import type { Build } from './source.js';

/** What is not for the host itself. */
type ToPlayer = Exclude<ToPage, { type: 'codec' | 'answer' }>;

/** A worker that has not answered in this time is busy or dead, ms. */
const ANSWER_WITHIN = 1000;

/** `blameless`: the worker stopped because of another player. */
type OnFailed = (error: SailcastError, blameless: boolean) => void;

/** Those that are not answered yet. */
export class Questions {
  #last = 0;
  readonly #open = new Map<number, (answer: unknown) => void>();

  /** Null when no answer comes. */
  ask(send: (request: number) => void): Promise<unknown> {
    const request = ++this.#last;
    return new Promise(resolve => {
      this.#open.set(request, resolve);
      setTimeout(() => this.answer(request, null), ANSWER_WITHIN);
      send(request);
    });
  }

  answer(request: number, answer: unknown): void {
    const asked = this.#open.get(request);
    this.#open.delete(request);
    if (asked) asked(answer);
    // A picture of the decoder's for which nobody waits any more.
    else (answer as Partial<VideoFrame> | null)?.close?.();
  }
}

export class EngineHost {
  readonly #base: URL | undefined;
  readonly #seat: Seat;
  readonly #questions = new Questions();
  /** Fetched when the session first needs it: most never do. */
  #codecs: Promise<typeof import('./codecs/host.js')> | undefined;
  #over = false;
  #onMessage: ((message: ToPlayer) => void) | undefined;
  #onFailed: OnFailed | undefined;

  /** `onFailed` is never called from here. */
  constructor(base: URL | undefined, build: Build, onFailed: OnFailed) {
    this.#base = base;
    this.#onFailed = onFailed;
    this.#seat = join(base, build, {
      receive: message => {
        if (message.type === 'codec') this.#connect(message);
        else if (message.type === 'answer') this.#questions.answer(message.request, message.answer);
        else this.#onMessage?.(message);
      },
      fail: (error, blameless) => {
        const report = this.#onFailed;
        this.#forget();
        report?.(error, blameless);
      },
    });
  }

  /** Which module it has. */
  get build(): Build {
    return this.#seat.build;
  }

  /** What it has is enough to play what needs this module. */
  has(build: Build): boolean {
    return this.build === 'all' || this.build === build;
  }

  /** Hands it to a player. From now on `onFailed` is told, in place of the constructor's. */
  begin(
    init: Omit<Extract<ToWorker, { type: 'init' }>, 'type'>,
    onMessage: (message: ToPlayer) => void,
    onFailed: OnFailed,
  ): void {
    this.#onMessage = onMessage;
    this.#onFailed = onFailed;
    this.send({ type: 'init', ...init }, given(init.sink));
  }

  replaceSink(sink: SinkMessage): void {
    this.send({ type: 'sink', sink }, given(sink));
  }

  send(message: ToWorker, transfer?: Transferable[]): void {
    this.#seat.send(message, transfer);
  }

  /** Null: the session has none. */
  ask<What extends keyof Answers>(what: What): Promise<Answers[What] | null> {
    const answer = this.#questions.ask(request => this.send({ type: 'ask', request, what }));
    return answer as Promise<Answers[What] | null>;
  }

  /** Lets the session close its connections and decoders. */
  close(): void {
    this.#forget();
    this.#seat.leave();
  }

  #connect({ kind, port }: Extract<ToPage, { type: 'codec' }>): void {
    this.#codecs ??= import('./codecs/host.js');
    this.#codecs.then(
      ({ connect }) => {
        if (this.#over) port.close();
        else connect(this, this.#base, kind, port);
      },
      error => {
        this.#codecs = undefined;
        port.postMessage({ type: 'failed', message: `the codec worker could not be loaded: ${error}` });
      },
    );
  }

  #forget(): void {
    this.#onMessage = undefined;
    this.#onFailed = undefined;
    this.#over = true;
    // A session that ends in good order has ended its decoders; one that crashed has not.
    this.#codecs?.then(
      ({ release }) => release(this),
      () => {},
    );
  }
}

function given(sink: SinkMessage): Transferable[] {
  return [(sink.kind === 'track' ? sink.writable : sink.canvas) as Transferable];
}
