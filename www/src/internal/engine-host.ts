/**
 * One worker, from its start to its end.
 *
 * It may be started before there is a player for it, which then `begin()`s. Messages go out at once and in the order of
 * `send()`; the worker keeps them until it has the module. After `close()` or `onFailed` nothing comes in any more. It starts nothing again: whoever owns it makes another one.
 */
import { pageError, type SailcastError } from '../errors.js';
import type { Background } from '../types.js';
import type { LatencyBounds, SinkMessage, ToPage, ToWorker } from './protocol.js';

/** How long a worker may take to say `closed` before it is ended, ms. */
const CLOSE_GRACE = 500;

/** A server that has not sent the wasm in this time will not, ms: 100 KB at 40 kbit/s. */
const WASM_WITHIN = 20_000;

/** So long a worker may take until its script runs, ms: it is smaller than the wasm. */
const SCRIPT_WITHIN = 20_000;

/** By address, compiled once for all players of the page; forgotten when it fails, so that the next load tries again. */
const compiled = new Map<string, Promise<WebAssembly.Module>>();

/** In this very form, for bundlers look for it. */
const wasmUrl = () => new URL('../wasm/sailcast_bg.wasm', import.meta.url);

async function fetchModule(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url, { signal: AbortSignal.timeout(WASM_WITHIN) });
  if (!response.ok) throw new Error(`HTTP ${response.status} for ${response.url}`);
  // Streaming compilation insists on this type, and many a server does not know it.
  return response.headers.get('content-type')?.startsWith('application/wasm')
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}

function compile(base: URL | undefined): Promise<WebAssembly.Module> {
  const url = (base ? new URL('wasm/sailcast_bg.wasm', base) : wasmUrl()).href;
  let module = compiled.get(url);
  if (!module) {
    module = fetchModule(url).catch(error => {
      compiled.delete(url);
      throw error;
    });
    compiled.set(url, module);
  }
  return module;
}

function spawn(base: URL | undefined): Worker {
  const options = { type: 'module', name: 'sailcast' } as const;
  const script = new URL('internal/worker.js', base ?? new URL('..', wasmUrl()));
  if (script.origin === location.origin) {
    if (base) return new Worker(script, options);
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'sailcast' });
  }
  // dist/ on another origin, such as a CDN: no worker may start from there, but one may import from there.
  const code = `import ${JSON.stringify(script.href)};`;
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const worker = new Worker(url, options);
  worker.addEventListener('message', () => URL.revokeObjectURL(url), { once: true });
  return worker;
}

export class EngineHost {
  #worker: Worker | undefined;
  #greeted = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #onMessage: ((message: ToPage) => void) | undefined;
  #onFailed: ((error: SailcastError) => void) | undefined;

  /** Fetching and compiling the wasm and starting the worker run side by side. `onFailed` is never called from here. */
  constructor(base: URL | undefined, onFailed: (error: SailcastError) => void) {
    this.#onFailed = onFailed;
    // What a bundler made of the worker cannot be found from the wasm's address.
    const hint =
      base || wasmUrl().origin === location.origin
        ? ''
        : '; the files are on another origin: serve dist/ as it is, and give its address as baseUrl';
    const module = compile(base);
    try {
      const worker = spawn(base);
      this.#worker = worker;
      worker.onmessage = (event: MessageEvent<ToPage>) => this.#receive(event.data);
      worker.onerror = event => this.#fail(event.message || `its script could not be loaded${hint}`);
      worker.onmessageerror = () => this.#fail('a message could not be read');
      const late = `its script did not come within ${SCRIPT_WITHIN / 1000} s`;
      this.#timer = setTimeout(() => this.#fail(late), SCRIPT_WITHIN);
    } catch (error) {
      queueMicrotask(() => this.#fail(String(error)));
    }
    module.then(
      module => this.send({ type: 'module', module }),
      error =>
        this.#end(pageError('wasmFailed', `The wasm module could not be loaded: ${error}.`, true, error)),
    );
  }

  /** Hands it to a player. From now on `onFailed` is told, in place of the constructor's. */
  begin(
    init: { sink: SinkMessage; latency: LatencyBounds; background: Background },
    onMessage: (message: ToPage) => void,
    onFailed: (error: SailcastError) => void,
  ): void {
    this.#onMessage = onMessage;
    this.#onFailed = onFailed;
    const { sink } = init;
    const transfer = sink.kind === 'track' ? [sink.writable] : [sink.canvas];
    this.send({ type: 'init', ...init }, transfer as Transferable[]);
  }

  send(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  /** Lets the worker close its connections and decoders, then ends it. */
  close(): void {
    this.#onMessage = undefined;
    this.#onFailed = undefined;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (!worker) return;
    this.send({ type: 'close' });
    const timer = setTimeout(() => worker.terminate(), CLOSE_GRACE);
    worker.onmessage = (event: MessageEvent<ToPage>) => {
      if (event.data.type !== 'closed') return;
      clearTimeout(timer);
      worker.terminate();
    };
    this.#worker = undefined;
  }

  #receive(message: ToPage): void {
    this.#greeted = true;
    clearTimeout(this.#timer);
    if (message.type === 'crash') this.#fail(message.message);
    else this.#onMessage?.(message);
  }

  #fail(why: string): void {
    this.#end(
      this.#greeted
        ? pageError('workerCrashed', `The player's worker stopped: ${why}.`)
        : pageError('workerFailed', `The player's worker could not start: ${why}.`),
    );
  }

  #end(error: SailcastError): void {
    const report = this.#onFailed;
    this.#onMessage = undefined;
    this.#onFailed = undefined;
    this.#terminate();
    report?.(error);
  }

  #terminate(): void {
    clearTimeout(this.#timer);
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}
