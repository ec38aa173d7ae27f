/**
 * One worker, from its start to its end.
 *
 * Messages go out at once and in the order of `send()`, after `init`; the worker keeps them until it has the module. After
 * `close()` or `onFailed` nothing comes in any more. It starts nothing again: whoever owns it makes another one.
 */
import { pageError, type SailcastError } from '../errors.js';
import type { SinkMessage, ToPage, ToWorker } from './protocol.js';

/** How long a worker may take to say `closed` before it is ended, ms. */
const CLOSE_GRACE = 500;

/** Compiled once for all players of the page; forgotten when it fails, so that the next load tries again. */
let compiled: Promise<WebAssembly.Module> | undefined;

/** In this very form, for bundlers look for it. */
const wasmUrl = () => new URL('../wasm/sailcast_bg.wasm', import.meta.url);

async function fetchModule(): Promise<WebAssembly.Module> {
  const response = await fetch(wasmUrl());
  if (!response.ok) throw new Error(`HTTP ${response.status} for ${response.url}`);
  // Streaming compilation insists on this type, and many a server does not know it.
  return response.headers.get('content-type')?.startsWith('application/wasm')
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}

function compile(): Promise<WebAssembly.Module> {
  compiled ??= fetchModule().catch(error => {
    compiled = undefined;
    throw error;
  });
  return compiled;
}

function spawn(): Worker {
  const wasm = wasmUrl();
  if (wasm.origin === location.origin) {
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'sailcast' });
  }
  // dist/ on another origin, such as a CDN: no worker may start from there, but one may import from there.
  const script = JSON.stringify(new URL('../internal/worker.js', wasm).href);
  const url = URL.createObjectURL(new Blob([`import ${script};`], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module', name: 'sailcast' });
  worker.addEventListener('message', () => URL.revokeObjectURL(url), { once: true });
  return worker;
}

export class EngineHost {
  #worker: Worker | undefined;
  #greeted = false;
  #onMessage: ((message: ToPage) => void) | undefined;
  #onFailed: ((error: SailcastError) => void) | undefined;

  /** Fetching and compiling the wasm and starting the worker run side by side. `onFailed` is never called from here. */
  constructor(
    sink: SinkMessage,
    targetLatency: number,
    onMessage: (message: ToPage) => void,
    onFailed: (error: SailcastError) => void,
  ) {
    this.#onMessage = onMessage;
    this.#onFailed = onFailed;
    const module = compile();
    try {
      const worker = spawn();
      this.#worker = worker;
      worker.onmessage = (event: MessageEvent<ToPage>) => this.#receive(event.data);
      worker.onerror = event => this.#fail(event.message || 'its script could not be loaded');
      worker.onmessageerror = () => this.#fail('a message could not be read');
    } catch (error) {
      queueMicrotask(() => this.#fail(String(error)));
    }
    const transfer = sink.kind === 'track' ? [sink.writable] : [sink.canvas];
    this.send({ type: 'init', sink, targetLatency }, transfer as Transferable[]);
    module.then(
      module => this.send({ type: 'module', module }),
      error =>
        this.#end(pageError('wasmFailed', `The wasm module could not be loaded: ${error}.`, true, error)),
    );
  }

  send(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  /** Lets the worker close its connections and decoders, then ends it. */
  close(): void {
    this.#onMessage = undefined;
    this.#onFailed = undefined;
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
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}
