/**
 * The worker's script: one wasm instance, of either module of the player, with a `Session` for each player. It hands messages to them and their events back, and
 * decides nothing.
 *
 * Messages that come before the wasm wait for it, all but one thing: the stream is asked for at once, so that a slow
 * network does not have to bring the player first.
 */
import { initSync, Session } from '../wasm/sailcast.js';
import { ask, askAhead, type EarlyRequest } from './early.js';
import type { Answers, FromPool, SinkMessage, ToPage, ToPool, ToWorker, WorkerEvent } from './protocol.js';
import { YuvCanvas } from './webgl/yuv-canvas.js';

const STATS_INTERVAL = 250;

function post(message: FromPool, transfer: Transferable[] = []): void {
  (postMessage as (message: FromPool, transfer: Transferable[]) => void)(message, transfer);
}

type Load = Extract<ToWorker, { type: 'load' }>;

/** All players of this worker, by number. */
const seats = new Map<number, Seat>();
let ready = false;
let crashed = false;

/** After a trap the wasm's memory can no longer be trusted, for no player. `served`: whom it happened to, where that is plain. */
function crash(error: unknown, served?: number): void {
  if (crashed) return;
  crashed = true;
  const player = [...seats].find(([, seat]) => seat.busy)?.[0] ?? served;
  for (const seat of seats.values()) seat.drop();
  seats.clear();
  post({ type: 'crash', message: error instanceof Error ? error.message : String(error), player });
}

function setSink(session: Session, sink: SinkMessage): void {
  if (sink.kind === 'track') session.setTrackSink(sink.writable);
  else if (sink.kind === 'webgl') session.setWebGlSink(sink.canvas, new YuvCanvas(sink.canvas));
  else session.setCanvasSink(sink.canvas as OffscreenCanvas);
}

/** One player's session, before and after it is there. */
class Seat {
  readonly #player: number;
  #session: Session | undefined;
  /** What came before the module. */
  #waiting: ToWorker[] = [];
  #early: EarlyRequest | undefined;
  #load = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #reporting = false;

  constructor(player: number) {
    this.#player = player;
  }

  /** Whether the session is in the middle of something: after a trap, the one that trapped. */
  get busy(): boolean {
    try {
      return this.#session?.busy() ?? false;
    } catch {
      return false;
    }
  }

  /** The module is there. */
  begin(): void {
    for (const message of this.#waiting.splice(0)) this.#handle(message);
  }

  /** Lets go of the session as it is. */
  drop(): void {
    this.#report(false);
    this.#early?.abort.abort();
    this.#session = undefined;
  }

  receive(message: ToWorker): void {
    if (message.type === 'preload') {
      this.#early ??= askAhead(message.url, message.kind);
    } else if (!ready && message.type !== 'close') {
      if (message.type === 'load') {
        // It takes the place of an earlier one, which then need not begin.
        this.#waiting = this.#waiting.filter(({ type }) => type !== 'load');
        this.#askFirst(message);
      }
      this.#waiting.push(message);
      // Frozen pages must hold on to nothing; the session hears of the load first, and then of this.
      if (message.type === 'suspend') this.#early?.abort.abort();
    } else this.#handle(message);
  }

  #handle(message: ToWorker): void {
    if (message.type === 'init') {
      const { start, min, max } = message.latency;
      this.#session = new Session(
        (event: WorkerEvent) => this.#onEvent(event),
        (kind: 'video' | 'audio') => this.#connect(kind),
        start,
        min,
        max,
        message.background,
        message.decoder,
      );
      setSink(this.#session, message.sink);
      return;
    }
    if (message.type === 'close') {
      seats.delete(this.#player);
      this.#session?.close();
      this.drop();
      this.#tell({ type: 'closed' });
      return;
    }
    const session = this.#session;
    if (!session) return;
    switch (message.type) {
      case 'load': {
        const early = this.#early;
        this.#early = undefined;
        this.#load = message.load;
        this.#report(true);
        if (early) early.taken = true;
        session.load(message, early?.abort.signal.aborted ? undefined : early, message.bytes, message.length);
        early?.repeat?.();
        break;
      }
      case 'seek':
        session.seek(message.to, message.exact);
        break;
      case 'rate':
        session.setRate(message.rate);
        break;
      case 'loop':
        session.setLoop(message.loop);
        break;
      case 'selectRendition':
        session.selectRendition(message.id === null ? undefined : Number(message.id));
        break;
      case 'record':
        session.record(message.format);
        break;
      case 'ask':
        this.#answer(message.request, session[message.what]());
        break;
      case 'sink':
        setSink(session, message.sink);
        break;
      case 'play':
      case 'pause':
      case 'seekLive':
      case 'networkChanged':
      case 'suspend':
      case 'wake':
      case 'audioOff':
      case 'attached':
        session[message.type]();
        break;
      case 'selectTrack':
        session.selectTrack(message.kind, message.number);
        break;
      case 'resolved':
        if (message.load === this.#load) session.resolved(message.request, message.good, message.answer);
        break;
      case 'latency': {
        const { start, min, max } = message.latency;
        session.setLatency(start, min, max);
        break;
      }
      case 'audio':
        if (message.audio.kind === 'ring') {
          session.setAudioRing(message.audio.buffer, message.sampleRate, message.latency);
        } else session.setAudioPort(message.audio.port, message.sampleRate, message.latency);
        break;
      case 'audioLatency':
        session.setAudioLatency(message.latency);
        break;
      case 'visible':
        session.setVisible(message.visible);
        break;
      case 'online':
        session.setOnline(message.online);
        break;
      case 'view':
        session.setView(message.width, message.height, message.fit);
        break;
    }
  }

  #tell(message: ToPage, transfer?: Transferable[]): void {
    post({ type: 'player', player: this.#player, message }, transfer);
  }

  /** A way to a software decoder, which the page begins. What is sent before it is there waits. */
  #connect(kind: 'video' | 'audio'): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#tell({ type: 'codec', kind, port: port2 }, [port2]);
    return port1;
  }

  #report(on: boolean): void {
    if (on === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = on ? setInterval(() => this.#sendStats(), STATS_INTERVAL) : undefined;
  }

  #sendStats(): void {
    this.#reporting = false;
    if (!this.#session || this.#load === 0) return;
    try {
      const stats = this.#session.stats();
      this.#tell({ type: 'stats', load: this.#load, stats, quality: this.#session.quality() });
    } catch (error) {
      crash(error, this.#player);
    }
  }

  /** Of a `VideoFrame` another handle goes, of all else a copy. */
  #answer(request: number, answer: Answers[keyof Answers] | null | undefined): void {
    const frame = answer && 'clone' in answer ? answer.clone() : undefined;
    this.#tell({ type: 'answer', request, answer: frame ?? answer ?? null }, frame && [frame]);
  }

  #onEvent(event: WorkerEvent): void {
    const transfer = event.name === 'recorded' ? [event.data.buffer] : undefined;
    this.#tell({ type: 'event', load: this.#load, event }, transfer);
    if (event.name === 'statechange') {
      // A recording that has ended may go on elsewhere.
      this.#report(event.state !== 'ended' && event.state !== 'failed' && event.state !== 'idle');
    } else if (event.name !== 'firstframe') return;
    // The session is in the middle of a call: its figures can be asked for when that has returned.
    if (!this.#reporting) queueMicrotask(() => this.#sendStats());
    this.#reporting = true;
  }

  /**
   * The request for what comes first, unless the engine chooses that, is on its way before the wasm is there; one that was made for
   * another address is of no more use.
   */
  #askFirst({ bytes, kind, lines, renditions, rendition }: Load): void {
    const url = bytes ? '' : (lines[0] ?? renditions[rendition ?? -1]?.lines[0] ?? '');
    if (this.#early?.url === url && !this.#early.abort.signal.aborted) return;
    this.#early?.abort.abort();
    this.#early = ask(url, kind);
  }
}

function receive(message: ToPool): void {
  if (crashed) return;
  if (message.type === 'module') {
    initSync({ module: message.module });
    ready = true;
    for (const seat of [...seats.values()]) seat.begin();
    return;
  }
  let seat = seats.get(message.player);
  if (!seat) {
    seat = new Seat(message.player);
    seats.set(message.player, seat);
  }
  seat.receive(message.message);
}

addEventListener('message', (event: MessageEvent<ToPool>) => {
  try {
    receive(event.data);
  } catch (error) {
    crash(error, event.data.type === 'player' ? event.data.player : undefined);
  }
});

// Traps inside the session's own callbacks: of timers and decoders as errors, of promises as rejections.
addEventListener('error', event => {
  // Told by a message, with the player that it happened to.
  event.preventDefault();
  crash(event.error ?? event.message);
});
addEventListener('unhandledrejection', event => {
  if (event.reason instanceof WebAssembly.RuntimeError) crash(event.reason);
});

post({ type: 'hello' });
