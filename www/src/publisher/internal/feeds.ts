/**
 * Where the worker takes pictures and sound from. A feed lives until `close()`, and gives nothing afterwards.
 *
 * Only new pictures are given on: one with the time of the last one is that one again, and closed here.
 */
import type { CapturedSound, SoundFeed, VideoFeed } from './protocol.js';

/** An asked page that has not answered in this time is asked again, ms: it may have had nothing yet. */
const ANSWER_WITHIN = 1000;

export interface Feed {
  close(): void;
  /** Whether the page is hidden, and how many pictures a second are wanted. */
  pace(hidden: boolean, fps: number): void;
}

export function pictures(feed: VideoFeed, take: (frame: VideoFrame) => void): Feed {
  const fresh = newOnes(take);
  if (feed.kind === 'port') return new Posted(feed.port, fresh);
  if (feed.kind === 'stream') return read(feed.readable, fresh);
  const { track } = feed;
  const { readable } = new MediaStreamTrackProcessor({ track });
  return read(readable, fresh, () => track.stop());
}

export function sound({ port }: SoundFeed, take: (sound: CapturedSound) => void): Feed {
  port.onmessage = (event: MessageEvent<CapturedSound>) => take(event.data);
  return { close: () => shut(port), pace: () => {} };
}

function newOnes(take: (frame: VideoFrame) => void): (frame: VideoFrame) => void {
  let last: number | undefined;
  return frame => {
    // WebKitGTK 2.50 stamps all pictures of a canvas with the least number there is, where a rate was asked for.
    if (frame.timestamp === last && Number.isSafeInteger(last)) frame.close();
    else {
      last = frame.timestamp;
      take(frame);
    }
  };
}

/** Its end, or that it breaks, is not told: the page sees the track end. */
function read(
  readable: ReadableStream<VideoFrame>,
  take: (frame: VideoFrame) => void,
  end?: () => void,
): Feed {
  const reader = readable.getReader();
  let closed = false;
  const next = ({ done, value }: ReadableStreamReadResult<VideoFrame>): void => {
    if (done) return;
    if (closed) value.close();
    else take(value);
    reader.read().then(next, () => {});
  };
  reader.read().then(next, () => {});
  return {
    close: () => {
      closed = true;
      reader.cancel().catch(() => {});
      end?.();
    },
    pace: () => {},
  };
}

/** The page posts what its `<video>` shows. It is not told of new pictures while it is hidden: then it is asked for them. */
class Posted implements Feed {
  readonly #port: MessagePort;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** When it was asked; undefined when it has answered. */
  #asked: number | undefined;
  /** One came by itself since the timer's last time. */
  #came = false;

  constructor(port: MessagePort, take: (frame: VideoFrame) => void) {
    this.#port = port;
    port.onmessage = (event: MessageEvent<VideoFrame>) => {
      if (this.#asked === undefined) this.#came = true;
      this.#asked = undefined;
      take(event.data);
    };
  }

  pace(hidden: boolean, fps: number): void {
    clearInterval(this.#timer);
    if (hidden) this.#timer = setInterval(() => this.#ask(), 1000 / fps);
  }

  close(): void {
    clearInterval(this.#timer);
    // What is still on its way would be nobody's to close.
    this.#port.onmessage = (event: MessageEvent<VideoFrame>) => event.data.close();
    setTimeout(() => shut(this.#port), ANSWER_WITHIN);
  }

  #ask(): void {
    const now = performance.now();
    const waiting = this.#asked !== undefined && now - this.#asked < ANSWER_WITHIN;
    if (!this.#came && !waiting) {
      this.#asked = now;
      this.#port.postMessage(null);
    }
    this.#came = false;
  }
}

function shut(port: MessagePort): void {
  port.onmessage = null;
  port.close();
}
