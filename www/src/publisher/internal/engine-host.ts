/**
 * The publisher's worker, from its start to its end.
 *
 * Messages wait until it has the wasm and go in the order of `send()`. After `close()` or `onFailed` nothing comes in any more.
 * It starts nothing again: whoever owns it makes another one.
 */
import type { SailcastError } from '../../errors.js';
import { compileModule } from '../../internal/module.js';
import { spawn } from '../../internal/spawn.js';
import { publisherError } from './errors.js';
import type { FromPublishWorker, ToPublishWorker } from './protocol.js';

/** How long it may take to say `closed` before it counts as stuck, ms: it has a socket to close. */
const CLOSE_GRACE = 1000;
/** So long a worker may take until its script runs, ms. */
const SCRIPT_WITHIN = 20_000;

/** What is not for the host itself. */
export type ToPublisher = Exclude<FromPublishWorker, { type: 'hello' | 'crash' | 'closed' }>;

export class PublishHost {
  #worker: Worker | undefined;
  /** What came before the module. */
  #waiting: [message: ToPublishWorker, transfer: Transferable[]][] | undefined = [];
  #greeted = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #onMessage: ((message: ToPublisher) => void) | undefined;
  #onFailed: ((error: SailcastError) => void) | undefined;

  /** Fetching and compiling the wasm and starting the worker run side by side. `onFailed` is never called from here. */
  constructor(
    base: URL | undefined,
    onMessage: (message: ToPublisher) => void,
    onFailed: (error: SailcastError) => void,
  ) {
    this.#onMessage = onMessage;
    this.#onFailed = onFailed;
    try {
      const worker = start(base);
      const late = `its script did not come within ${SCRIPT_WITHIN / 1000} s`;
      this.#timer = setTimeout(() => this.#stopped(late), SCRIPT_WITHIN);
      this.#worker = worker;
      worker.onmessage = (event: MessageEvent<FromPublishWorker>) => this.#receive(event.data);
      worker.onerror = event => this.#stopped(event.message || 'its script could not be loaded');
      worker.onmessageerror = () => this.#stopped('a message could not be read');
    } catch (error) {
      queueMicrotask(() => this.#stopped(String(error)));
    }
    compileModule(base ? new URL('wasm/publisher_bg.wasm', base) : wasmUrl()).then(
      module => this.#begin(module, base),
      error =>
        this.#fail(
          publisherError('wasmFailed', `The wasm module could not be loaded: ${error}.`, true, error),
        ),
    );
  }

  send(message: ToPublishWorker, transfer: Transferable[] = []): void {
    if (this.#waiting) this.#waiting.push([message, transfer]);
    else this.#worker?.postMessage(message, transfer);
  }

  /** Lets it close its connection and encoders. */
  close(): void {
    this.#forget();
    clearTimeout(this.#timer);
    // It has nothing to close before it has begun.
    if (this.#waiting) this.#terminate();
    else {
      this.send({ type: 'close' });
      this.#timer = setTimeout(() => this.#terminate(), CLOSE_GRACE);
    }
  }

  #begin(module: WebAssembly.Module, base: URL | undefined): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    this.send({ type: 'init', module, base: base?.href });
    for (const [message, transfer] of waiting) this.send(message, transfer);
  }

  #receive(message: FromPublishWorker): void {
    if (!this.#greeted) {
      this.#greeted = true;
      clearTimeout(this.#timer);
    }
    if (message.type === 'crash') this.#stopped(message.message);
    else if (message.type === 'closed') this.#terminate();
    else if (message.type !== 'hello') this.#onMessage?.(message);
  }

  #stopped(why: string): void {
    this.#fail(
      this.#greeted
        ? publisherError('workerCrashed', `The publisher's worker stopped: ${why}.`)
        : publisherError('workerFailed', `The publisher's worker could not start: ${why}.`),
    );
  }

  #fail(error: SailcastError): void {
    const report = this.#onFailed;
    this.#forget();
    this.#terminate();
    report?.(error);
  }

  #forget(): void {
    this.#onMessage = undefined;
    this.#onFailed = undefined;
  }

  #terminate(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}

/** In this very form, for bundlers look for it. */
const wasmUrl = () => new URL('../../wasm/publisher_bg.wasm', import.meta.url);

function start(base: URL | undefined): Worker {
  const script = new URL('publisher/internal/worker.js', base ?? new URL('..', wasmUrl()));
  const here = () =>
    new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'sailcast-publisher' });
  return spawn(script, 'sailcast-publisher', base ? undefined : here);
}
