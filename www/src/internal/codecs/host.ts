/**
 * The codec workers of this page: software decoders for all its players' sessions.
 *
 * A video decoder has a worker of its own: it takes a good part of a core, and in another's worker it would wait for it, or
 * keep it waiting. All sound decoders share one, for together they take a hundredth of that. A worker without a decoder waits a
 * little for the next one, such as after a trap, and is ended, which gives back whatever it held. What goes wrong is told to
 * the decoder's session through its port: what to do about it is the engine's decision.
 */
import { folderOf } from '../pool.js';
import { spawn } from '../spawn.js';
import type { CodecKind, FromCodecWorker, FromDecoder, ToCodecWorker } from './protocol.js';

/** How long a worker without decoders is kept, ms. */
const IDLE_GRACE = 4000;
/** So long a worker may take until its script runs, ms. */
const SCRIPT_WITHIN = 20_000;

const workers = new Set<CodecWorker>();
let decoders = 0;

/** Gives the decoder's end of `port` to a codec worker. `owner`: whoever says `release()` when the session is gone. */
export function connect(owner: object, base: URL | undefined, kind: CodecKind, port: MessagePort): void {
  const fits = [...workers].filter(worker => worker.base === base?.href && worker.kind === kind);
  const free = kind === 'audio' ? fits[0] : fits.find(worker => worker.idle);
  const worker = free ?? new CodecWorker(base, kind);
  worker.connect(owner, port);
}

/** Ends all decoders of `owner` that have not ended by themselves. */
export function release(owner: object): void {
  for (const worker of workers) worker.release(owner);
}

class CodecWorker {
  readonly base: string | undefined;
  readonly kind: CodecKind;
  readonly #owners = new Map<number, object>();
  #worker: Worker | undefined;
  /** Those that wait for the script, which may never come. */
  #waiting: Map<number, MessagePort> | undefined = new Map();
  /** Until the script must run; then until a worker without decoders is ended. */
  #timer: ReturnType<typeof setTimeout>;

  constructor(base: URL | undefined, kind: CodecKind) {
    this.base = base?.href;
    this.kind = kind;
    workers.add(this);
    this.#timer = setTimeout(
      () => this.#fail(`its script did not come within ${SCRIPT_WITHIN / 1000} s`),
      SCRIPT_WITHIN,
    );
    try {
      const worker = start(base);
      this.#worker = worker;
      worker.onmessage = (event: MessageEvent<FromCodecWorker>) => this.#receive(event.data);
      worker.onerror = event => this.#fail(event.message || 'its script could not be loaded');
    } catch (error) {
      queueMicrotask(() => this.#fail(String(error)));
    }
  }

  get idle(): boolean {
    return this.#owners.size === 0;
  }

  connect(owner: object, port: MessagePort): void {
    const decoder = ++decoders;
    this.#owners.set(decoder, owner);
    if (this.#waiting) this.#waiting.set(decoder, port);
    else {
      clearTimeout(this.#timer);
      this.#give(decoder, port);
    }
  }

  release(owner: object): void {
    for (const [decoder, its] of this.#owners) {
      if (its !== owner) continue;
      if (!this.#waiting) this.#post({ type: 'release', decoder });
      else {
        this.#waiting.delete(decoder);
        this.#closed(decoder);
      }
    }
  }

  #receive(message: FromCodecWorker): void {
    if (message.type === 'closed') this.#closed(message.decoder);
    else {
      clearTimeout(this.#timer);
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const [decoder, port] of waiting) this.#give(decoder, port);
      this.#rest();
    }
  }

  #give(decoder: number, port: MessagePort): void {
    this.#post({ type: 'connect', decoder, port, base: this.base }, [port]);
  }

  #post(message: ToCodecWorker, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  #closed(decoder: number): void {
    this.#owners.delete(decoder);
    if (!this.#waiting) this.#rest();
  }

  #rest(): void {
    if (this.idle) this.#timer = setTimeout(() => this.#terminate(), IDLE_GRACE);
  }

  /** Ports that it was given go with it; those that wait hear why. */
  #fail(why: string): void {
    const failed: FromDecoder = { type: 'failed', message: `the codec worker could not start: ${why}` };
    for (const port of this.#waiting?.values() ?? []) port.postMessage(failed);
    this.#terminate();
  }

  #terminate(): void {
    workers.delete(this);
    clearTimeout(this.#timer);
    this.#owners.clear();
    this.#worker?.terminate();
  }
}

function start(base: URL | undefined): Worker {
  const script = new URL('internal/codecs/worker.js', folderOf(base));
  const here = () =>
    new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'sailcast codec' });
  return spawn(script, 'sailcast codec', base ? undefined : here);
}
