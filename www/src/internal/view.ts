/**
 * The one element in the container, `<video>` or `<canvas>`, and the picture sink behind it.
 *
 * It fills the container whatever that one's layout, and is turned and mirrored by a transform within its box. The `<video>` is
 * always muted: the sound goes through Web Audio. A sink is given away to one worker and cannot be taken
 * back, so each new worker asks for a new one.
 */
import type { Fit, Renderer } from '../types.js';
import type { SinkMessage, ToWorker, Turn } from './protocol.js';

/** From the worker's first picture until it is on the screen, at the longest, ms: a hidden page draws nothing. */
const COVER_WITHIN = 500;

/** How the picture is shown: upright, then turned, then fitted. */
export interface Pose extends Turn {
  /** What makes it upright, as far as it does not do so itself. */
  turn: Turn;
  fit: Fit;
}

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
  /** In device pixels, before it is turned. */
  #width = 0;
  #height = 0;
  #pose: Pose;
  #given = false;
  /** The generator's stream while the `<video>` does not have it yet. */
  #unattached: MediaStream | undefined;
  /** The last picture of the worker before, over the element until there is a new one. */
  #cover: HTMLCanvasElement | undefined;
  /** In a picture-in-picture window. A shadow root hides it from `document.pictureInPictureElement`. */
  #pip = false;

  constructor(container: HTMLElement, renderer: Renderer, pose: Omit<Pose, 'turn'>, events: ViewEvents) {
    this.renderer = renderer;
    this.#events = events;
    const { fit, rotation, mirror } = pose;
    this.#pose = { fit, rotation, mirror, turn: { rotation: 0, mirror: false } };
    this.#observer = new ResizeObserver(entries => this.#resized(entries));
    this.#element = this.#make();
    container.append(this.#element);
    this.#style(this.#element);
  }

  get element(): HTMLVideoElement | HTMLCanvasElement {
    return this.#element;
  }

  get pose(): Readonly<Pose> {
    return this.#pose;
  }

  /** Changes what is given of it. */
  set pose(change: Partial<Pose>) {
    Object.assign(this.#pose, change);
    this.#style(this.#element);
    if (this.#cover) this.#style(this.#cover);
    this.#tell();
  }

  /** In a window of its own, which can be seen when the page cannot. */
  get apart(): boolean {
    const { ownerDocument } = this.#element;
    return this.#pip || (ownerDocument !== document && ownerDocument.visibilityState === 'visible');
  }

  /**
   * A sink for a new worker. `follows`: the last picture stays until the new worker has its own, and the worker before may
   * still be writing. The view's size follows at once.
   */
  sink(follows = false): SinkMessage {
    this.#uncover();
    if (this.renderer === 'track') {
      if (follows) this.#coverWith(snapshot(this.#element as HTMLVideoElement));
      else this.#generator?.stop();
      return this.#track();
    }
    if (this.#given) {
      const old = this.#element;
      this.#element = this.#make();
      old.replaceWith(this.#element);
      this.#style(this.#element);
      if (follows) this.#coverWith(old as HTMLCanvasElement);
    }
    this.#given = true;
    return { kind: this.renderer, canvas: (this.#element as HTMLCanvasElement).transferControlToOffscreen() };
  }

  /** The page is put away: browsers keep none with a live track. The picture stays. */
  putAway(): void {
    if (!this.#generator) return;
    this.#coverWith(snapshot(this.#element as HTMLVideoElement));
    this.#generator.stop();
    this.#generator = undefined;
  }

  /** It is back: a sink for the same worker, if it needs another one. */
  bringBack(): SinkMessage | undefined {
    return this.renderer === 'track' && !this.#generator ? this.#track() : undefined;
  }

  /** Brings a new worker up to date. */
  refresh(): void {
    this.#measure(this.#element.clientWidth, this.#element.clientHeight);
    if (this.renderer !== 'track') return;
    // A `<video>` with a source holds back the page's `load` event until it has a picture, and a stream may never give
    // one. While the page is loading, it gets its source with the stream's video track.
    if (document.readyState === 'complete') this.attach();
    else addEventListener('load', () => this.attach(), { once: true });
  }

  /** Connects the `<video>` to the worker's pictures, if that has not been done. */
  attach(): void {
    const stream = this.#unattached;
    if (!stream || !(this.#element instanceof HTMLVideoElement)) return;
    this.#unattached = undefined;
    this.#element.srcObject = stream;
    this.#events.send({ type: 'attached' });
  }

  /** The worker has shown its first picture, or plays without any: it is on the screen with the next frame or two. */
  pictureShown(): void {
    this.attach();
    const cover = this.#cover;
    if (!cover) return;
    const lift = () => {
      if (this.#cover === cover) this.#uncover();
    };
    if (this.#element instanceof HTMLVideoElement) this.#element.requestVideoFrameCallback(lift);
    else requestAnimationFrame(() => requestAnimationFrame(lift));
    setTimeout(lift, COVER_WITHIN);
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
    this.#element.onresize = null;
    this.#pip = false;
    this.#unattached = undefined;
    this.#uncover();
    this.#element.remove();
    if (this.#element instanceof HTMLVideoElement) this.#element.srcObject = null;
  }

  #track(): SinkMessage {
    this.#generator = new MediaStreamTrackGenerator({ kind: 'video' });
    this.#unattached = new MediaStream([this.#generator]);
    return { kind: 'track', writable: this.#generator.writable };
  }

  /** Where the element is, whatever the container's layout: positioned from outside of the flow. */
  #coverWith(cover: HTMLCanvasElement | undefined): void {
    if (!cover) return;
    this.#uncover();
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = this.#element;
    this.#style(cover);
    Object.assign(cover.style, {
      position: 'absolute',
      left: `${offsetLeft}px`,
      top: `${offsetTop}px`,
      width: `${offsetWidth}px`,
      height: `${offsetHeight}px`,
      pointerEvents: 'none',
    });
    this.#element.after(cover);
    this.#cover = cover;
  }

  #uncover(): void {
    this.#cover?.remove();
    this.#cover = undefined;
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
      // Its size is a part of how it is turned.
      element.onresize = () => this.#style(element);
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
    this.#observer.disconnect();
    // Safari lacks this box; the others tell by it of a new devicePixelRatio, too.
    const exact = 'devicePixelContentBoxSize' in ResizeObserverEntry.prototype;
    this.#observer.observe(element, { box: exact ? 'device-pixel-content-box' : 'content-box' });
    return element;
  }

  #style(element: HTMLVideoElement | HTMLCanvasElement): void {
    const { width, height, crop } = this.#turned(element);
    // A canvas has as many pixels as its box, and the worker fits the picture into them.
    const fits = this.renderer === 'track' && !this.#onItsSide ? this.#pose.fit : 'fill';
    const steps = [
      ...turning(this.#pose),
      ...turning(this.#pose.turn),
      ...(this.#onItsSide ? [`scale(${width}, ${height})`] : []),
    ];
    Object.assign(element.style, { display: 'block', width: '100%', height: '100%', objectFit: fits });
    element.style.transform = steps.join(' ');
    element.style.setProperty('object-view-box', crop);
  }

  get #onItsSide(): boolean {
    return (this.#pose.rotation + this.#pose.turn.rotation) % 180 !== 0;
  }

  /**
   * What a quarter turn needs besides: the box, which the whole picture or a crop of it fills, is stretched so that it is right
   * when it has been turned. It never reaches beyond the box as it lies in the page. Only Chromium has a `<video>` here, and
   * it knows `object-view-box`.
   */
  #turned(element: HTMLVideoElement | HTMLCanvasElement): { width: number; height: number; crop: string } {
    // The first one is styled while it is made.
    const { clientWidth: across, clientHeight: down } = this.#element ?? element;
    const whole = { width: down / across, height: across / down, crop: '' };
    if (!this.#onItsSide || across * down === 0) return { width: 1, height: 1, crop: '' };
    if (this.renderer !== 'track' || this.#pose.fit === 'fill') return whole;
    const [width, height] =
      element instanceof HTMLVideoElement
        ? [element.videoWidth, element.videoHeight]
        : [element.width, element.height];
    if (width * height === 0) return whole;
    // The picture lies in a box of `down` by `across`.
    const [x, y] = [down / width, across / height];
    if (this.#pose.fit === 'cover') {
      const [left, top] = x < y ? [1 - x / y, 0] : [0, 1 - y / x];
      return { ...whole, crop: `inset(${top * 50}% ${left * 50}%)` };
    }
    const scale = Math.min(x, y);
    return { width: (scale * width) / across, height: (scale * height) / down, crop: '' };
  }

  #resized(entries: ResizeObserverEntry[]): void {
    // Into a document picture-in-picture window, or out of it: nothing else tells.
    this.#events.moved();
    this.#style(this.#element);
    if (this.renderer === 'track') {
      // Taken out of the document and put back later, as by a tab panel: the browser paused it, and nothing else tells.
      const element = this.#element;
      if (element.isConnected && !this.#pip) this.resume();
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
    if (this.#width === 0 || this.#height === 0) return;
    const [width, height] = this.#onItsSide ? [this.#height, this.#width] : [this.#width, this.#height];
    this.#events.send({ type: 'view', width, height, fit: this.#pose.fit });
  }
}

/** Of a transform, whose last step is done first. */
function turning({ rotation, mirror }: Turn): string[] {
  return [...(mirror ? ['scaleX(-1)'] : []), ...(rotation ? [`rotate(${rotation}deg)`] : [])];
}

/** The picture that a `<video>` shows now; undefined while it has none. */
function snapshot(video: HTMLVideoElement): HTMLCanvasElement | undefined {
  if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return undefined;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  return canvas;
}
