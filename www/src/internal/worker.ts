/**
 * The worker's script: hands messages to the wasm `Session` and its events back. It decides nothing.
 *
 * Messages that come before the wasm wait for it, all but one thing: the stream is asked for at once, so that a slow
 * network does not have to bring the player first.
 */
import { initSync, Session } from '../wasm/sailcast.js';
import { ask, askAhead, type EarlyRequest } from './early.js';
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

/** Its request is on its way before the wasm is there; one that was made for another address is of no more use. */
function askFirst(url = ''): void {
  if (early?.url === url) return;
  early?.abort.abort();
  early = ask(url);
}

function takeEarly(url: string | undefined): EarlyRequest | undefined {
  const taken = early;
  early = undefined;
  if (taken?.url === url) return taken;
  taken?.abort.abort();
  return undefined;
}

function receive(message: ToWorker): void {
  if (message.type === 'module') {
    initSync({ module: message.module });
    const before = waiting ?? [];
    waiting = undefined;
    for (const message of before) handle(message);
  } else if (message.type === 'preload') {
    early ??= askAhead(message.url);
  } else if (waiting && message.type !== 'close') {
    if (message.type === 'load') {
      // It takes the place of an earlier one, which then need not begin.
      waiting = waiting.filter(({ type }) => type !== 'load');
      askFirst(message.lines[0]);
    }
    waiting.push(message);
    // Frozen pages must hold on to nothing; the session hears of the load first, and then of this.
    if (message.type === 'suspend') early?.abort.abort();
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
      session.load([...message.lines], message.resolve, takeEarly(message.lines[0]));
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
    case 'visible':
      session.setVisible(message.visible);
      break;
    case 'online':
      session.setOnline(message.online);
      break;
    case 'networkChanged':
      session.networkChanged();
      break;
    case 'suspend':
      session.suspend();
      break;
    case 'wake':
      session.wake();
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
