/** What lib.dom lacks. Nothing of it shows in the public types. */

/** https://www.w3.org/TR/mediacapture-transform/ as Chromium has it on the page. */
declare class MediaStreamTrackGenerator extends MediaStreamTrack {
  constructor(init: { kind: 'audio' | 'video' });
  readonly writable: WritableStream<VideoFrame>;
}

/** The same, the other way. Safari has it in workers only, Firefox not at all. */
declare class MediaStreamTrackProcessor {
  constructor(init: { track: MediaStreamTrack; maxBufferSize?: number });
  readonly readable: ReadableStream<VideoFrame>;
}

/** Media Capture from DOM Elements; Firefox has it under a name of its own, Safari not at all. */
interface HTMLMediaElement {
  captureStream?(): MediaStream;
  mozCaptureStream?(): MediaStream;
}

/** The worklet's global scope, as far as worklet.ts needs it. */
declare function registerProcessor(name: string, processor: new () => object): void;

/** Web Audio API 1.1, `AudioContextOptions`. */
interface AudioContextOptions {
  renderSizeHint?: number | 'default' | 'hardware';
}
