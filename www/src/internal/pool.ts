/**
 * The workers of this page: each serves several players, so that many players cost few threads.
 *
 * A new player goes to the worker with the fewest, and gets another one while there are fewer than the machine has cores. A worker
 * has one of the two modules: who needs the whole player does not go to one with that of streams. One that everybody has left waits
 * a little for the next player, and is ended. What goes wrong with a worker is the end of it, told to each of its players; nothing is
 * started again from here, and one that does not answer gets no new player.
 */
import { pageError, type SailcastError } from '../errors.js';
import { compileModule } from './module.js';
import type { FromPool, ToPage, ToPool, ToWorker } from './protocol.js';
import type { Build } from './source.js';
import { spawn } from './spawn.js';

/** More threads than this cost more than they bring: demuxing a stream takes a hundredth of a core. */
const MOST_WORKERS = 4;
/** How long a session may take to say `closed` before its worker counts as stuck, ms. */
const CLOSE_GRACE = 500;
/** How long a worker without players is kept: as one element takes another's place, ms. */
const IDLE_GRACE = 2000;
/** So long a worker may take until its script runs, ms: it is smaller than the wasm. */
const SCRIPT_WITHIN = 20_000;

/** Who sits at a worker. */
export interface Guest {
  receive(message: ToPage): void;
  /** The last call. `blameless`: it was another player's session that stopped the worker. */
  fail(error: SailcastError, blameless: boolean): void;
}

/** A guest's place. */
export interface Seat {
  /** What its worker has: as it was asked for, or all. */
  readonly build: Build;
  send(message: ToWorker, transfer?: Transferable[]): void;
  /** Lets the session end in good order. The guest hears nothing any more. */
  leave(): void;
}

/** Those that take new players. */
const workers = new Set<PoolWorker>();
let players = 0;

/** A place at the worker with the fewest players. `base`: the folder of the files, if it is not where the bundler put them. */
export function join(base: URL | undefined, build: Build, guest: Guest): Seat {
  const most = Math.min(navigator.hardwareConcurrency || 1, MOST_WORKERS);
  const open = [...workers].filter(worker => worker.base === base?.href);
  const fitting = open.filter(worker => worker.build === 'all' || worker.build === build);
  const best = fitting.reduce<PoolWorker | undefined>(
    (best, worker) => (best && best.guests <= worker.guests ? best : worker),
    undefined,
  );
  const worker = best && (best.guests === 0 || open.length >= most) ? best : new PoolWorker(base, build);
  return worker.seat(guest);
}

class PoolWorker {
  readonly base: string | undefined;
  readonly build: Build;
  readonly #guests = new Map<number, Guest>();
  /** Who left and whose session has not said `closed`, with the time that it has for that. */
  readonly #leaving = new Map<number, ReturnType<typeof setTimeout>>();
  #worker: Worker | undefined;
  #greeted = false;
  /** Until the script must run; then until a worker without players is ended. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Fetching and compiling the wasm and starting the worker run side by side. No guest is called from here. */
  constructor(base: URL | undefined, build: Build) {
    this.base = base?.href;
    this.build = build;
    workers.add(this);
    // What a bundler made of the worker cannot be found from the wasm's address.
    const hint =
      base || WASM.all().origin === location.origin
        ? ''
        : '; the files are on another origin: serve dist/ as it is, and give its address as baseUrl';
    const module = compile(base, build);
    try {
      const worker = start(base);
      this.#worker = worker;
      worker.onmessage = (event: MessageEvent<FromPool>) => this.#receive(event.data);
      worker.onerror = event => this.#fail(event.message || `its script could not be loaded${hint}`);
      worker.onmessageerror = () => this.#fail('a message could not be read');
      const late = `its script did not come within ${SCRIPT_WITHIN / 1000} s`;
      this.#timer = setTimeout(() => this.#fail(late), SCRIPT_WITHIN);
    } catch (error) {
      queueMicrotask(() => this.#fail(String(error)));
    }
    module.then(
      module => this.#post({ type: 'module', module }),
      error =>
        this.#end(pageError('wasmFailed', `The wasm module could not be loaded: ${error}.`, true, error)),
    );
  }

  get guests(): number {
    return this.#guests.size;
  }

  seat(guest: Guest): Seat {
    const player = ++players;
    this.#guests.set(player, guest);
    if (this.#greeted) clearTimeout(this.#timer);
    return {
      build: this.build,
      send: (message, transfer) => {
        if (this.#guests.has(player)) this.#post({ type: 'player', player, message }, transfer);
      },
      leave: () => this.#leave(player),
    };
  }

  #leave(player: number): void {
    if (!this.#guests.delete(player)) return;
    this.#post({ type: 'player', player, message: { type: 'close' } });
    this.#leaving.set(
      player,
      setTimeout(() => {
        workers.delete(this);
        this.#closed(player);
      }, CLOSE_GRACE),
    );
  }

  #closed(player: number): void {
    clearTimeout(this.#leaving.get(player));
    this.#leaving.delete(player);
    if (this.#guests.size > 0 || this.#leaving.size > 0) return;
    if (!workers.has(this)) this.#terminate();
    else this.#timer = setTimeout(() => this.#terminate(), IDLE_GRACE);
  }

  #post(message: ToPool, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  #receive(message: FromPool): void {
    if (!this.#greeted) clearTimeout(this.#timer);
    this.#greeted = true;
    if (message.type === 'crash') this.#fail(message.message, message.player);
    if (message.type !== 'player') return;
    if (message.message.type === 'closed') this.#closed(message.player);
    else this.#guests.get(message.player)?.receive(message.message);
  }

  #fail(why: string, player?: number): void {
    const error = this.#greeted
      ? pageError('workerCrashed', `The player's worker stopped: ${why}.`)
      : pageError('workerFailed', `The player's worker could not start: ${why}.`);
    this.#end(error, player);
  }

  #end(error: SailcastError, player?: number): void {
    const guests = [...this.#guests];
    this.#guests.clear();
    this.#terminate();
    for (const [number, guest] of guests) guest.fail(error, player !== undefined && player !== number);
  }

  #terminate(): void {
    workers.delete(this);
    clearTimeout(this.#timer);
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}

/** In this very form, for bundlers look for it. */
const WASM = {
  streams: () => new URL('../wasm/streams_bg.wasm', import.meta.url),
  all: () => new URL('../wasm/sailcast_bg.wasm', import.meta.url),
};
/** The module, fetched before there is a worker for it. */
export function compile(base: URL | undefined, build: Build): Promise<WebAssembly.Module> {
  const name = build === 'all' ? 'sailcast' : build;
  return compileModule(base ? new URL(`wasm/${name}_bg.wasm`, base) : WASM[build]());
}

/** The package's folder: as it was given, or as far as that can be told from where the bundler put the wasm. */
export function folderOf(base: URL | undefined): URL {
  return base ?? new URL('..', WASM.all());
}

function start(base: URL | undefined): Worker {
  const script = new URL('internal/worker.js', folderOf(base));
  const here = () =>
    new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'sailcast' });
  return spawn(script, 'sailcast', base ? undefined : here);
}
