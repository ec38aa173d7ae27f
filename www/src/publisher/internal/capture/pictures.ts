/**
 * How a track's pictures reach the worker: as a stream of frames or as the track itself, past the page's thread, or posted by
 * the page where the browser has neither.
 *
 * A feed lives until its `stop()`; the worker closes the frames.
 */
import type { VideoFeed } from '../protocol.js';

export interface Pictures {
  feed: VideoFeed;
  transfer: Transferable[];
  /** The page gives no more. What was transferred is the worker's to end. */
  stop(): void;
}

/** Frames that wait for the worker; the newest replace the oldest. */
const BUFFERED = 2;

/** Asked of a track or of nothing: which of the ways this browser has. */
export function framesPath(): VideoFeed['kind'] {
  if (typeof MediaStreamTrackProcessor === 'function') return 'stream';
  return tracksMove() ? 'track' : 'port';
}

/** `track` stays the page's: it may be given again, and is for the preview too. */
export function picturesOf(track: MediaStreamTrack): Pictures {
  const path = framesPath();
  if (path === 'stream') {
    const { readable } = new MediaStreamTrackProcessor({ track, maxBufferSize: BUFFERED });
    return given({ kind: 'stream', readable }, readable as unknown as Transferable);
  }
  if (path === 'track') {
    const clone = track.clone();
    return given({ kind: 'track', track: clone }, clone as unknown as Transferable);
  }
  return posted(track);
}

function given(feed: VideoFeed, transfer: Transferable): Pictures {
  return { feed, transfer: [transfer], stop: () => {} };
}

/** Only Safari moves tracks between threads, and there the worker has the processor. */
function tracksMove(): boolean {
  const canvas = typeof document === 'object' ? document.createElement('canvas') : undefined;
  const track = canvas?.captureStream?.().getVideoTracks()[0];
  if (!track) return false;
  const { port1 } = new MessageChannel();
  try {
    port1.postMessage(track, [track as unknown as Transferable]);
    return true;
  } catch {
    track.stop();
    return false;
  } finally {
    port1.close();
  }
}

/** A hidden `<video>` shows the track, and each picture of it is posted. */
function posted(track: MediaStreamTrack): Pictures {
  const { port1, port2 } = new MessageChannel();
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  video.play().catch(() => {});
  const post = (time: number) => {
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || video.videoWidth === 0) return;
    const frame = new VideoFrame(video, { timestamp: Math.round(time * 1000) });
    port1.postMessage(frame, [frame]);
  };
  let request = 0;
  const next: VideoFrameRequestCallback = (now, { captureTime }) => {
    request = video.requestVideoFrameCallback(next);
    post(captureTime ?? now);
  };
  request = video.requestVideoFrameCallback(next);
  // A hidden page gets no callbacks: the worker asks.
  port1.onmessage = () => post(performance.now());
  return {
    feed: { kind: 'port', port: port2 },
    transfer: [port2],
    stop: () => {
      video.cancelVideoFrameCallback(request);
      port1.close();
      video.srcObject = null;
    },
  };
}
