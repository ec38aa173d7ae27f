/**
 * What a player talks to: its session in a worker of the pool, from its start to its end.
 *
 * It may be started before there is a player for it, which then `begin()`s. Messages go out at once and in the order of
 * `send()`; the worker keeps them until it has the module. After `close()` or `onFailed` nothing comes in any more. It starts
 * nothing again: whoever owns it makes another one.
 */
import type { SailcastError } from '../errors.js';
import type { Background } from '../types.js';
import { join, type Seat } from './pool.js';
import type { LatencyBounds, SinkMessage, ToPage, ToWorker } from './protocol.js';

/** `blameless`: the worker stopped because of another player. */
type OnFailed = (error: SailcastError, blameless: boolean) => void;

export class EngineHost {
  readonly #seat: Seat;
  #onMessage: ((message: ToPage) => void) | undefined;
  #onFailed: OnFailed | undefined;

  /** `onFailed` is never called from here. */
  constructor(base: URL | undefined, onFailed: OnFailed) {
    this.#onFailed = onFailed;
    this.#seat = join(base, {
      receive: message => this.#onMessage?.(message),
      fail: (error, blameless) => {
        const report = this.#onFailed;
        this.#forget();
        report?.(error, blameless);
      },
    });
  }

  /** Hands it to a player. From now on `onFailed` is told, in place of the constructor's. */
  begin(
    init: { sink: SinkMessage; latency: LatencyBounds; background: Background },
    onMessage: (message: ToPage) => void,
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

  /** Lets the session close its connections and decoders. */
  close(): void {
    this.#forget();
    this.#seat.leave();
  }

  #forget(): void {
    this.#onMessage = undefined;
    this.#onFailed = undefined;
  }
}

function given(sink: SinkMessage): Transferable[] {
  return [(sink.kind === 'track' ? sink.writable : sink.canvas) as Transferable];
}
