/** What the browser must have, and which renderer it can have. Asked when a load begins, never at import. */
import type { Renderer } from '../types.js';

/** The track generator is the cheaper and smoother one, and shows through `<video>`. */
export function bestRenderer(): Renderer {
  return typeof MediaStreamTrackGenerator === 'function' ? 'track' : 'canvas';
}

/** Names the first thing that is missing, or null. */
export function missingFeature(): string | null {
  if (typeof Worker !== 'function') return 'Worker';
  if (typeof WebAssembly !== 'object') return 'WebAssembly';
  if (typeof VideoDecoder !== 'function') return 'VideoDecoder';
  if (bestRenderer() === 'canvas' && typeof OffscreenCanvas !== 'function') return 'OffscreenCanvas';
  return null;
}

/** Whether a `Player` can work here. False on a server, and on pages without a secure context (plain `http:`). */
export function isSupported(): boolean {
  return missingFeature() === null;
}
