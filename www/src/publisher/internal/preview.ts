/** What the user sees of himself: the source's own track in a muted `<video>`, mirrored like a mirror where it looks at him. */
import type { Opened } from './capture/open.js';
import { publisherError } from './errors.js';

export class Preview {
  #video: HTMLVideoElement | null = null;
  /** The element is ours, and goes with us. */
  #own = false;
  #opened: Opened | undefined;
  #mirror: 'auto' | boolean;

  constructor(mirror: 'auto' | boolean) {
    this.#mirror = mirror;
  }

  get element(): HTMLVideoElement | null {
    return this.#video;
  }

  get mirror(): 'auto' | boolean {
    return this.#mirror;
  }

  set mirror(mirror: 'auto' | boolean) {
    this.#mirror = mirror;
    this.#pose();
  }

  /** A `<video>`, an element to put one into, or a selector; null for none. */
  attach(target: Element | string | null): void {
    const place = target === null ? null : find(target);
    this.detach();
    if (!place) return;
    if (place.localName === 'video') this.#video = place as HTMLVideoElement;
    else {
      this.#own = true;
      this.#video = place.ownerDocument.createElement('video');
      Object.assign(this.#video.style, { width: '100%', height: '100%', display: 'block' });
      place.append(this.#video);
    }
    Object.assign(this.#video, { muted: true, autoplay: true, playsInline: true });
    this.#play();
  }

  detach(): void {
    const video = this.#video;
    this.#video = null;
    if (!video) return;
    video.srcObject = null;
    if (this.#own) video.remove();
    else video.style.transform = '';
    this.#own = false;
  }

  show(opened: Opened | undefined): void {
    this.#opened = opened;
    this.#play();
  }

  #play(): void {
    if (!this.#video) return;
    const track = this.#opened?.video;
    this.#video.srcObject = track ? new MediaStream([track]) : null;
    this.#pose();
    if (track) this.#video.play().catch(() => {});
  }

  #pose(): void {
    const mirrored = this.#mirror === 'auto' ? this.#opened?.front : this.#mirror;
    if (this.#video) this.#video.style.transform = mirrored ? 'scaleX(-1)' : '';
  }
}

function find(target: Element | string): Element {
  if (typeof target !== 'string') {
    // Not `instanceof`: it may come from another frame.
    if ((target as Partial<Node>).nodeType === 1) return target;
    throw publisherError('containerNotFound', 'The preview is not an element.');
  }
  const found = document.querySelector(target);
  if (found) return found;
  throw publisherError('containerNotFound', `No element matches ${JSON.stringify(target)}.`);
}
