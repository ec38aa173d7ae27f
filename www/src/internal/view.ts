/**
 * The one element in the container, `<video>` or `<canvas>`, and the picture sink behind it.
 *
 * The `<video>` is always muted: the sound goes through Web Audio. A sink is given away to one worker and cannot be taken
 * back, so each new worker asks for a new one.
 */
import type { Fit, Renderer } from '../types.js';
import type { SinkMessage, ToWorker } from './protocol.js';

export interface ViewEvents {
  send(message: ToWorker): void;
  /** The user paused or resumed the `<video>` itself, as in a picture-in-picture window. */
  userPaused(paused: boolean): void;
  /** It went into a window of its own, or came back: `apart` may have changed. */
  moved(): void;
}

export class View {
  readonly renderer: Renderer;
  readonly #events: ViewEvents;
  readonly #observer: ResizeObserver;
  #element: HTMLVideoElement | HTMLCanvasElement;
  #generator: MediaStreamTrackGenerator | undefined;
  #width = 0;
  #height = 0;
  #fit: Fit;
  #given = false;
  /** The generator's stream while the `<video>` does not have it yet. */
  #unattached: MediaStream | undefined;
  /** The picture of the worker before stays until the new one has its own. */
  #keeps = false;
  /** In a picture-in-picture window. A shadow root hides it from `document.pictureInPictureElement`. */
  #pip = false;

  constructor(container: HTMLElement, renderer: Renderer, fit: Fit, events: ViewEvents) {
    this.renderer = renderer;
    this.#events = events;
    this.#fit = fit;
    this.#observer = new ResizeObserver(entries => this.#resized(entries));
    this.#element = this.#make();
    container.append(this.#element);
  }

  get element(): HTMLVideoElement | HTMLCanvasElement {
    return this.#element;
  }

  get fit(): Fit {
    return this.#fit;
  }

  set fit(fit: Fit) {
    this.#fit = fit;
    this.#style(this.#element);
    this.#tell();
  }

  /** In a window of its own, which can be seen when the page cannot. */
  get apart(): boolean {
    const { ownerDocument } = this.#element;
    return this.#pip || (ownerDocument !== document && ownerDocument.visibilityState === 'visible');
  }

  /**
   * A sink for a new worker, in place of one that is gone, or of one that is closing: `follows`. The view's size follows at
   * once.
   */
  sink(follows = false): SinkMessage {
    this.#keeps = follows;
    if (this.renderer === 'track') {
      if (!follows) this.#generator?.stop();
      this.#generator = new MediaStreamTrackGenerator({ kind: 'video' });
      this.#unattached = new MediaStream([this.#generator]);
      return { kind: 'track', writable: this.#generator.writable };
    }
    if (this.#given) {
      const old = this.#element;
      this.#element = this.#make();
      old.replaceWith(this.#element);
    }
    this.#given = true;
    return { kind: 'canvas', canvas: (this.#element as HTMLCanvasElement).transferControlToOffscreen() };
  }

  /** Brings a new worker up to date. */
  refresh(): void {
    if (this.renderer === 'canvas') this.#measure(this.#element.clientWidth, this.#element.clientHeight);
    // A `<video>` with a source holds back the page's `load` event until it has a picture, and a stream may never give
    // one. While the page is loading, it gets its source with the stream's video track.
    else if (document.readyState === 'complete') this.attach();
    else addEventListener('load', () => this.attach(), { once: true });
  }

  /** Connects the `<video>` to the worker's pictures, if that has not been done. `shown`: there is one. */
  attach(shown = false): void {
    const stream = this.#unattached;
    if (!stream || !(this.#element instanceof HTMLVideoElement) || (this.#keeps && !shown)) return;
    this.#unattached = undefined;
    this.#keeps = false;
    this.#element.srcObject = stream;
    this.#events.send({ type: 'attached' });
  }

  /** Makes sure that the `<video>` runs. */
  resume(): void {
    const video = this.#element;
    if (video instanceof HTMLVideoElement && video.paused && video.srcObject) video.play().catch(() => {});
  }

  /** The generator is left to the worker, which may still be writing to it and ends it when it closes. */
  destroy(): void {
    this.#observer.disconnect();
    this.#element.onpause = null;
    this.#element.onplay = null;
    this.#pip = false;
    this.#unattached = undefined;
    this.#element.remove();
    if (this.#element instanceof HTMLVideoElement) this.#element.srcObject = null;
  }

  #make(): HTMLVideoElement | HTMLCanvasElement {
    const element = document.createElement(this.renderer === 'track' ? 'video' : 'canvas');
    if (element instanceof HTMLVideoElement) {
      element.muted = true;
      element.playsInline = true;
      element.autoplay = true;
      element.disableRemotePlayback = true;
      element.onpause = () => {
        if (this.#pip) this.#events.userPaused(true);
        // Browsers pause a <video> that is moved in the document; the stream goes on.
        else if (element.isConnected) this.resume();
      };
      element.onplay = () => {
        if (this.#pip) this.#events.userPaused(false);
      };
      for (const [type, pip] of [
        ['enterpictureinpicture', true],
        ['leavepictureinpicture', false],
      ] as const) {
        element.addEventListener(type, () => {
          this.#pip = pip;
          this.#events.moved();
        });
      }
    }
    this.#style(element);
    this.#observer.disconnect();
    // Safari lacks this box; the others tell by it of a new devicePixelRatio, too.
    const exact = 'devicePixelContentBoxSize' in ResizeObserverEntry.prototype;
    this.#observer.observe(element, { box: exact ? 'device-pixel-content-box' : 'content-box' });
    return element;
  }

  #style(element: HTMLElement): void {
    // A canvas has as many pixels as its box, and the worker fits the picture into them.
    const fit = this.renderer === 'track' ? this.#fit : 'fill';
    Object.assign(element.style, { display: 'block', width: '100%', height: '100%', objectFit: fit });
  }

  #resized(entries: ResizeObserverEntry[]): void {
    // Into a document picture-in-picture window, or out of it: nothing else tells.
    this.#events.moved();
    if (this.renderer === 'track') {
      // Taken out of the document and put back later, as by a tab panel: the browser paused it, and nothing else tells.
      const element = this.#element;
      if (element.isConnected && !this.#pip) this.resume();
      return;
    }
    const entry = entries.at(-1);
    if (!entry) return;
    const exact = entry.devicePixelContentBoxSize?.[0];
    if (!exact) this.#measure(entry.contentRect.width, entry.contentRect.height);
    else this.#set(exact.inlineSize, exact.blockSize);
  }

  #measure(width: number, height: number): void {
    this.#set(Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio));
  }

  #set(width: number, height: number): void {
    this.#width = width;
    this.#height = height;
    this.#tell();
  }

  #tell(): void {
    if (this.renderer === 'track' || this.#width === 0 || this.#height === 0) return;
    this.#events.send({ type: 'view', width: this.#width, height: this.#height, fit: this.#fit });
  }
}
