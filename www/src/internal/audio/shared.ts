/**
 * The page's sound device, shared by its players: one AudioContext for each sample rate, for each costs a thread, a stream
 * of the system's mixer and a wake-up every few milliseconds. It opens with the first player that wants it, rests when
 * none wants to hear, and closes with the last.
 *
 * It keeps itself alive: a context that is suspended or interrupted is asked to go on (when it happens, when the page is
 * seen again, when the user acts), and one that has failed, was closed or says `running` and stands still is given up.
 * Its one invariant: users are told of each change of `running`, and of the end, once.
 */

import type { AudioMessage } from '../protocol.js';

/** How often a running context is looked at, ms. */
const LOOK_EVERY = 1000;
/** In so many looks it has not moved: it stands still; in so many more a restart has not helped either: it is dead. */
const STILL_AFTER = 2;
const DEAD_AFTER = 4;
/** What the user does that lets a browser start sound. */
const GESTURES = ['pointerdown', 'pointerup', 'touchend', 'keydown'] as const;

export interface SharedUser {
  /** `running` or the latency may have changed. */
  changed(): void;
  /** It will not run any more. Whoever wants sound opens another. */
  lost(): void;
  /** Web Audio does not work here. */
  failed(error: unknown): void;
}

/** What plays, and the way to it: an `AudioWorkletNode`'s port, or what stands for one. */
export interface SoundNode {
  node: AudioNode;
  port: { postMessage(message: AudioMessage | 'end', transfer: Transferable[]): void };
}

/** Frames that the worklet is asked for at a time: about what a sound card takes, for each call costs. Not all browsers obey. */
const RENDER_SIZE = 512;

const open = new Map<string, SharedContext>();

/** The page's context for this rate. Throws what the browser throws. `base`: the folder of the worklet. */
export function share(rate: number, base: URL | undefined, user: SharedUser): SharedContext {
  const key = `${rate} ${base?.href ?? ''}`;
  let shared = open.get(key);
  if (!shared) {
    shared = new SharedContext(rate, base, () => open.delete(key));
    open.set(key, shared);
  }
  shared.add(user);
  return shared;
}

export class SharedContext {
  readonly context: AudioContext;
  readonly #forget: () => void;
  readonly #users = new Set<SharedUser>();
  readonly #wanting = new Set<SharedUser>();
  #make = (): SoundNode => {
    const node = new AudioWorkletNode(this.context, 'sailcast', {
      numberOfInputs: 0,
      outputChannelCount: [2],
    });
    return { node, port: node.port };
  };
  /** What the node itself adds to the latency, seconds. */
  #delay = 0;
  #ready = false;
  #running = false;
  #over = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #time = -1;
  /** Looks since it last moved. */
  #still = 0;
  #waiting = false;

  constructor(rate: number, base: URL | undefined, forget: () => void) {
    this.#forget = forget;
    // The name `context` is how webpack recognises a worklet.
    const context = new AudioContext({
      sampleRate: rate,
      latencyHint: 'interactive',
      renderSizeHint: RENDER_SIZE,
    });
    this.context = context;
    this.#load(context, base).then(
      () => {
        this.#ready = true;
        this.#update();
      },
      error => this.#end(user => user.failed(error)),
    );
    context.addEventListener('statechange', this.#onState);
    context.addEventListener('sinkchange', this.#tell);
    context.addEventListener('error', this.#onError);
    navigator.mediaDevices?.addEventListener?.('devicechange', this.#tell);
  }

  /** In an insecure context there is no worklet. */
  #load(context: AudioContext, base: URL | undefined): Promise<void> {
    if (!context.audioWorklet) {
      return import('./script.js').then(({ scriptNode, scriptLatency }) => {
        this.#make = () => scriptNode(context);
        this.#delay = scriptLatency(context);
      });
    }
    return base
      ? context.audioWorklet.addModule(new URL('internal/audio/worklet.js', base))
      : context.audioWorklet.addModule(new URL('./worklet.js', import.meta.url));
  }

  /** Only while it is running. */
  node(): SoundNode {
    return this.#make();
  }

  /** It takes samples, as far as can be told, and has the worklet. */
  get running(): boolean {
    return this.#running;
  }

  /** Seconds from the worklet to the ear, as the browser reports it. */
  get latency(): number {
    // Safari has no outputLatency.
    return (this.context.baseLatency || 0) + (this.context.outputLatency || 0) + this.#delay;
  }

  add(user: SharedUser): void {
    this.#users.add(user);
  }

  /** The last one closes it. */
  remove(user: SharedUser): void {
    this.want(user, false);
    this.#users.delete(user);
    if (this.#users.size === 0) this.#end(() => {});
  }

  /** While nobody wants it, it rests. */
  want(user: SharedUser, wanted: boolean): void {
    if (this.#over) return;
    const before = this.#wanting.size;
    if (wanted) this.#wanting.add(user);
    else this.#wanting.delete(user);
    // Asked for again even where it runs: a `suspend()` may be under way.
    if (wanted) this.#resume();
    else if (before > 0 && this.#wanting.size === 0) this.context.suspend().catch(() => {});
    this.#update();
  }

  readonly #tell = (): void => {
    for (const user of [...this.#users]) user.changed();
  };

  readonly #onError = (): void => this.#end(user => user.lost());

  readonly #onState = (): void => {
    if (this.context.state === 'closed') this.#end(user => user.lost());
    else {
      // After a call or another app's turn, Safari leaves it `suspended`.
      if (this.context.state === 'suspended') this.#resume();
      this.#update();
    }
  };

  readonly #resume = (): void => {
    if (this.#wanting.size > 0) this.context.resume().catch(() => {});
  };

  #update(): void {
    if (this.#over) return;
    const wanted = this.#wanting.size > 0;
    const runs = this.context.state === 'running';
    this.#watch(wanted && runs);
    this.#await(wanted && !runs);
    const running = this.#ready && wanted && runs && this.#still < STILL_AFTER;
    if (running === this.#running) return;
    this.#running = running;
    this.#tell();
  }

  #watch(on: boolean): void {
    if (on === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = on ? setInterval(() => this.#look(), LOOK_EVERY) : undefined;
    // A restart after it stood still is no sign of life yet.
    if (on && this.#still < STILL_AFTER) this.#time = -1;
  }

  #look(): void {
    const time = this.context.currentTime;
    if (time !== this.#time) {
      this.#time = time;
      this.#still = 0;
    } else if (++this.#still === STILL_AFTER) {
      this.context.suspend().then(this.#resume, () => {});
    } else if (this.#still >= DEAD_AFTER) {
      this.#end(user => user.lost());
    }
    this.#update();
  }

  /** Waits for a moment at which the browser may let it run. */
  #await(on: boolean): void {
    if (on === this.#waiting) return;
    this.#waiting = on;
    const change = on ? 'addEventListener' : 'removeEventListener';
    for (const gesture of GESTURES) globalThis[change](gesture, this.#resume, true);
    document[change]('visibilitychange', this.#resume);
  }

  #end(tell: (user: SharedUser) => void): void {
    if (this.#over) return;
    this.#over = true;
    this.#running = false;
    this.#forget();
    this.#watch(false);
    this.#await(false);
    this.context.removeEventListener('statechange', this.#onState);
    this.context.removeEventListener('sinkchange', this.#tell);
    this.context.removeEventListener('error', this.#onError);
    navigator.mediaDevices?.removeEventListener?.('devicechange', this.#tell);
    if (this.context.state !== 'closed') this.context.close().catch(() => {});
    const users = [...this.#users];
    this.#users.clear();
    this.#wanting.clear();
    for (const user of users) tell(user);
  }
}
