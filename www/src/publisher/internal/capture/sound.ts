/**
 * The sound that is published: one context for the publisher's life, into which sources are mixed, and whose worklet posts what
 * comes out to the worker, past the page's thread.
 *
 * Nothing of it is heard. Sources come and go before the mix, so the worker sees one clock and one format; only a context that
 * is lost is replaced, and the worker is given a new feed then.
 */
import { LiveContext, type SharedUser } from '../../../internal/audio/alive.js';
import type { SoundFeed } from '../protocol.js';

/** After a context was lost, another is tried so much later, ms: twice as long each time, until one has run. */
const AGAIN_AFTER = 100;
const AGAIN_AT_MOST = 10_000;
/** A context that is allowed to run does so sooner, ms: a slow device takes seconds the first time. */
const STARTS_WITHIN = 3000;
const GOES_ON_WITHIN = 1000;
/** Frames that the worklet is given at a time, for each call costs. Not all browsers obey. */
const RENDER_SIZE = 512;
/** Changes of the level fade over about this time constant, seconds. */
const FADE = 0.015;

export interface SoundEvents {
  /** Replaces an earlier feed. */
  feed(feed: SoundFeed, transfer: Transferable[]): void;
  /** The browser or the system keeps it from running, for longer than a start takes; or it runs again. */
  suspended(suspended: boolean): void;
  /** Web Audio does not work here, or not with this source. */
  failed(error: unknown): void;
}

export interface SoundFormat {
  base: URL | undefined;
  sampleRate: number;
  channels: number;
}

export class SoundCapture {
  readonly #format: SoundFormat;
  readonly #events: SoundEvents;
  readonly #tracks = new Map<string, MediaStreamTrack>();
  readonly #nodes = new Map<string, AudioNode>();
  #live: LiveContext<true> | undefined;
  #mix: GainNode | undefined;
  #worklet: AudioWorkletNode | undefined;
  #level = 1;
  #losses = 0;
  #ran = false;
  #suspended = false;
  #again: ReturnType<typeof setTimeout> | undefined;
  #late: ReturnType<typeof setTimeout> | undefined;

  constructor(format: SoundFormat, events: SoundEvents) {
    this.#format = format;
    this.#events = events;
  }

  get state(): 'running' | 'suspended' | 'off' {
    if (!this.#live) return 'off';
    return this.#live.running ? 'running' : 'suspended';
  }

  /** 0 to 1; 0 is muted. */
  set level(level: number) {
    this.#level = level;
    this.#mix?.gain.setTargetAtTime(level, this.#mix.context.currentTime, FADE);
  }

  /** What sounds under this name from now on. The context opens with the first track. */
  set(name: string, track: MediaStreamTrack | undefined): void {
    if (this.#tracks.get(name) === track) return;
    if (track) this.#tracks.set(name, track);
    else this.#tracks.delete(name);
    this.#connect(name);
    if (track) this.#open();
  }

  /** Another worker is to have it. */
  give(): void {
    if (!this.#worklet) return;
    const { sampleRate, channels } = this.#format;
    const { port1, port2 } = new MessageChannel();
    this.#worklet.port.postMessage({ port: port1, channels }, [port1]);
    this.#events.feed({ port: port2, sampleRate, channels }, [port2]);
  }

  stop(): void {
    clearTimeout(this.#again);
    clearTimeout(this.#late);
    this.#again = undefined;
    this.#tracks.clear();
    this.#live?.remove(this.#user);
    this.#forget();
  }

  readonly #user: SharedUser = {
    changed: () => this.#update(),
    lost: () => this.#lost(),
    failed: error => {
      this.#forget();
      this.#events.failed(error);
    },
  };

  #open(): void {
    if (this.#live || this.#again !== undefined) return;
    const { base, sampleRate } = this.#format;
    try {
      const live = new LiveContext<true>(
        { sampleRate, latencyHint: 'interactive', renderSizeHint: RENDER_SIZE },
        async context => {
          await load(context, base);
          if (this.#live === live) this.#build(context);
          return true;
        },
        () => {},
      );
      this.#live = live;
      live.add(this.#user);
      live.want(this.#user, true);
      this.#update();
    } catch (error) {
      this.#forget();
      this.#events.failed(error);
    }
  }

  #build(context: AudioContext): void {
    const { channels } = this.#format;
    this.#mix = new GainNode(context, { gain: this.#level });
    this.#worklet = new AudioWorkletNode(context, 'sailcast-capture', {
      outputChannelCount: [1],
      channelCount: channels,
      channelCountMode: 'explicit',
    });
    this.#mix.connect(this.#worklet).connect(context.destination);
    for (const name of this.#tracks.keys()) this.#connect(name);
    this.give();
  }

  #connect(name: string): void {
    this.#nodes.get(name)?.disconnect();
    this.#nodes.delete(name);
    const track = this.#tracks.get(name);
    if (!track || !this.#mix || !this.#live) return;
    try {
      const node = this.#live.context.createMediaStreamSource(new MediaStream([track]));
      node.connect(this.#mix);
      this.#nodes.set(name, node);
    } catch (error) {
      this.#events.failed(error);
    }
  }

  #update(): void {
    const running = this.#live?.running ?? false;
    if (running) {
      this.#losses = 0;
      clearTimeout(this.#late);
      this.#late = undefined;
      this.#tell(false);
      this.#ran = true;
    } else this.#late ??= setTimeout(() => this.#tell(true), this.#ran ? GOES_ON_WITHIN : STARTS_WITHIN);
  }

  #tell(suspended: boolean): void {
    if (this.#suspended === suspended) return;
    this.#suspended = suspended;
    this.#events.suspended(suspended);
  }

  #lost(): void {
    this.#forget();
    this.#update();
    const delay = Math.min(AGAIN_AFTER * 2 ** this.#losses++, AGAIN_AT_MOST);
    this.#again = setTimeout(() => {
      this.#again = undefined;
      this.#open();
    }, delay);
  }

  #forget(): void {
    this.#live = undefined;
    this.#mix = undefined;
    this.#worklet = undefined;
    this.#nodes.clear();
  }
}

/** The name `context` is how webpack recognises a worklet. */
function load(context: AudioContext, base: URL | undefined): Promise<void> {
  return base
    ? context.audioWorklet.addModule(new URL('publisher/internal/capture/worklet.js', base))
    : context.audioWorklet.addModule(new URL('./worklet.js', import.meta.url));
}
