/**
 * The worker's script: hands messages to the wasm `Session` and its events back. It decides nothing.
 *
 * Messages that come before the wasm wait for it, all but one thing: the stream is asked for at once, so that a slow
 * network does not have to bring the player first.
 */
import { initSync, Session } from '../wasm/sailcast.js';
import type { ToPage, ToWorker, WorkerEvent } from './protocol.js';

const STATS_INTERVAL = 250;

let session: Session | undefined;
/** What came before the module; undefined from then on. */
let waiting: ToWorker[] | undefined = [];
let early: EarlyRequest | undefined;
let load = 0;
let timer: ReturnType<typeof setInterval> | undefined;
let reporting = false;

function post(message: ToPage): void {
  (postMessage as (message: ToPage) => void)(message);
}

/** After a trap the wasm's memory can no longer be trusted. */
function crash(error: unknown): void {
  clearInterval(timer);
  session = undefined;
  post({ type: 'crash', message: error instanceof Error ? error.message : String(error) });
}

function sendStats(): void {
  reporting = false;
  if (!session || load === 0) return;
  try {
    post({ type: 'stats', load, stats: session.stats(), quality: session.quality() });
  } catch (error) {
    crash(error);
  }
}

function onEvent(event: WorkerEvent): void {
  post({ type: 'event', load, event });
  if (event.name === 'statechange') {
    if (event.state === 'ended' || event.state === 'failed' || event.state === 'idle') clearInterval(timer);
  } else if (event.name !== 'firstframe') return;
  // The session is in the middle of a call: its figures can be asked for when that has returned.
  if (!reporting) queueMicrotask(sendStats);
  reporting = true;
}

/** A GET sent ahead of the session, which takes it over in `load`; crate/web/src/fetch.rs would send the same. */
interface EarlyRequest {
  load: number;
  abort: AbortController;
  response: Promise<Response>;
}

function ask(load: number, url: string): EarlyRequest | undefined {
  if (!/^https?:/i.test(url)) return undefined;
  const abort = new AbortController();
  const response = fetch(url, { cache: 'no-store', signal: abort.signal });
  // Whoever takes it over hears of the failure as well.
  response.catch(() => {});
  return { load, abort, response };
}

function takeEarly(load: number): EarlyRequest | undefined {
  if (early?.load !== load) return undefined;
  const taken = early;
  early = undefined;
  return taken;
}

function receive(message: ToWorker): void {
  if (message.type === 'module') {
    initSync({ module: message.module });
    const before = waiting ?? [];
    waiting = undefined;
    for (const message of before) handle(message);
  } else if (waiting && message.type !== 'close') {
    waiting.push(message);
    if (message.type !== 'load') return;
    early?.abort.abort();
    early = ask(message.load, message.lines[0] ?? '');
  } else handle(message);
}

function handle(message: ToWorker): void {
  if (message.type === 'init') {
    const { start, min, max } = message.latency;
    session = new Session(onEvent, start, min, max, message.background);
    if (message.sink.kind === 'track') session.setTrackSink(message.sink.writable);
    else session.setCanvasSink(message.sink.canvas);
    return;
  }
  if (message.type === 'close') {
    clearInterval(timer);
    early?.abort.abort();
    session?.close();
    session = undefined;
    post({ type: 'closed' });
    return;
  }
  if (message.type === 'log') {
    post({ type: 'log', request: message.request, log: session?.log() ?? { entries: [], lost: 0 } });
    return;
  }
  if (!session) return;
  switch (message.type) {
    case 'load':
      load = message.load;
      clearInterval(timer);
      timer = setInterval(sendStats, STATS_INTERVAL);
      session.load([...message.lines], message.resolve, takeEarly(load));
      break;
    case 'play':
      session.play();
      break;
    case 'pause':
      session.pause();
      break;
    case 'resolved':
      if (message.load === load) session.resolved(message.request, message.url);
      break;
    case 'unresolved':
      if (message.load === load) session.unresolved(message.request, message.why);
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
    case 'audioOff':
      session.setAudioOff();
      break;
    case 'attached':
      session.sinkAttached();
      break;
    case 'view':
      session.setView(message.width, message.height, message.fit);
      break;
  }
}

addEventListener('message', (event: MessageEvent<ToWorker>) => {
  try {
    receive(event.data);
  } catch (error) {
    crash(error);
  }
});

// Traps inside the session's own callbacks: of timers and decoders as errors, of promises as rejections.
addEventListener('error', event => crash(event.error ?? event.message));
addEventListener('unhandledrejection', event => {
  if (event.reason instanceof WebAssembly.RuntimeError) crash(event.reason);
});

post({ type: 'hello' });
