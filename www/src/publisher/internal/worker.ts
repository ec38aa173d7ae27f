/**
 * The script of a publisher's worker: one wasm instance with one `PublishSession`. It hands messages, pictures and sound to it and
 * its events back, and decides nothing.
 */
import type { EncoderConfig } from '../../internal/codecs/encoder-instance.js';
import { initSync, PublishSession } from '../../wasm/publisher.js';
import { type Feed, pictures, sound } from './feeds.js';
import type { FromPublishWorker, PublishWorkerEvent, ToPublishWorker } from './protocol.js';
import { type Said, SoundEncoder } from './sound-encoder.js';

const STATS_INTERVAL = 250;
/** Before there are settings. */
const FPS = 15;

let session: PublishSession | undefined;
let crashed = false;
const feeds: { video: Feed | undefined; audio: Feed | undefined } = { video: undefined, audio: undefined };
let hidden = false;
let fps = FPS;
let timer: ReturnType<typeof setInterval> | undefined;
let reporting = false;

function post(message: FromPublishWorker, transfer: Transferable[] = []): void {
  (postMessage as (message: FromPublishWorker, transfer: Transferable[]) => void)(message, transfer);
}

/** Lets go of the session as it is. */
function drop(): void {
  session = undefined;
  clearInterval(timer);
  feeds.video?.close();
  feeds.audio?.close();
  feeds.video = feeds.audio = undefined;
}

/** After a trap the wasm's memory can no longer be trusted. */
function crash(error: unknown): void {
  if (crashed) return;
  crashed = true;
  drop();
  post({ type: 'crash', message: error instanceof Error ? error.message : String(error) });
}

/** What is called by something else than a message. */
function guarded<T>(act: (what: T) => void): (what: T) => void {
  return what => {
    try {
      act(what);
    } catch (error) {
      crash(error);
    }
  };
}

function onEvent(event: PublishWorkerEvent): void {
  post({ type: 'event', event });
  if (event.name !== 'statechange') return;
  if (event.state === 'ended' || event.state === 'failed') clearInterval(timer);
  // The session is in the middle of a call: its figures can be asked for when that has returned.
  if (!reporting) queueMicrotask(() => sendStats(undefined));
  reporting = true;
}

const sendStats = guarded(() => {
  reporting = false;
  if (session) post({ type: 'stats', stats: session.stats() });
});

function begin(module: WebAssembly.Module, base: string | undefined): void {
  initSync({ module });
  session = new PublishSession(
    onEvent,
    (data: Uint8Array<ArrayBuffer>) => post({ type: 'recorded', data }, [data.buffer]),
    (config: EncoderConfig, said: (said: Said) => void) => new SoundEncoder(config, said, base),
  );
}

const captured = guarded((frame: VideoFrame) => {
  if (session) session.captured(frame);
  else frame.close();
});

function receive(message: ToPublishWorker): void {
  if (message.type === 'init') {
    begin(message.module, message.base);
    return;
  }
  if (!session) return;
  switch (message.type) {
    case 'settings':
      fps = message.settings.video.fps;
      feeds.video?.pace(hidden, fps);
      session.setSettings(message.settings);
      break;
    case 'video':
      feeds.video?.close();
      feeds.video = message.feed ? pictures(message.feed, captured) : undefined;
      feeds.video?.pace(hidden, fps);
      break;
    case 'audio':
      feeds.audio?.close();
      feeds.audio = undefined;
      if (message.feed) {
        session.setSoundFormat(message.feed.sampleRate, message.feed.channels);
        feeds.audio = sound(
          message.feed,
          guarded(({ position, channels }) => session?.heard(position, channels)),
        );
      }
      break;
    case 'source':
      session.setSource(message.kind, message.state);
      break;
    case 'start':
      clearInterval(timer);
      timer = setInterval(sendStats, STATS_INTERVAL, undefined);
      session.start(message.lines);
      break;
    case 'stop':
      session.stop();
      break;
    case 'record':
      session.record(message.recording);
      if (!message.recording) post({ type: 'recordingEnded' });
      break;
    case 'visible':
      hidden = !message.visible;
      feeds.video?.pace(hidden, fps);
      break;
    case 'online':
      session.setOnline(message.online);
      break;
    case 'networkChanged':
      session.networkChanged();
      break;
    case 'wake':
      session.wake();
      break;
    case 'close':
      session.close();
      drop();
      post({ type: 'closed' });
      break;
  }
}

addEventListener('message', (event: MessageEvent<ToPublishWorker>) => {
  if (!crashed) guarded(receive)(event.data);
});

// Traps inside the session's own callbacks: of timers, sockets and encoders as errors, of promises as rejections.
addEventListener('error', event => {
  // Told by a message.
  event.preventDefault();
  crash(event.error ?? event.message);
});
addEventListener('unhandledrejection', event => {
  if (event.reason instanceof WebAssembly.RuntimeError) crash(event.reason);
});

post({ type: 'hello' });
