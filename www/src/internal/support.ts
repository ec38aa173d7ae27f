/** What the browser must have, and which renderer it can have. Asked when a load begins, never at import. */
import type { Renderer } from '../types.js';

/**
 * The one that was asked for, if this browser has it. The track generator is the cheapest and smoothest, and shows through
 * `<video>`; where there is no `VideoFrame`, planes are all there is, and only that renderer takes them.
 */
export function rendererFor(wanted?: Renderer): Renderer {
  if (typeof VideoFrame !== 'function') return 'webgl';
  if (wanted === 'canvas' || wanted === 'webgl') return wanted;
  return typeof MediaStreamTrackGenerator === 'function' ? 'track' : 'canvas';
}

/** Names the first thing that is missing, or null. */
export function missingFeature(): string | null {
  if (typeof Worker !== 'function') return 'Worker';
  if (typeof WebAssembly !== 'object') return 'WebAssembly';
  if (rendererFor() !== 'track' && typeof OffscreenCanvas !== 'function') return 'OffscreenCanvas';
  return null;
}

/** Whether a `Player` can work here. False on a server. Without a secure context (plain `http:`) software decodes. */
export function isSupported(): boolean {
  return missingFeature() === null;
}
