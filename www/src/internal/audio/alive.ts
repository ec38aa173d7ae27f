/**
 * An AudioContext that keeps itself alive: one that is suspended or interrupted is asked to go on (when it happens, when the
 * page is seen again, when the user acts), and one that has failed, was closed or says `running` and stands still is given up.
 *
 * It serves users, runs while any of them wants it, and closes with the last. Its one invariant: users are told of each change
 * of `running`, and of the end, once. What runs in it is not its business.
 */

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

/** `Kit`: what has to be loaded into the context before it is of use, such as a worklet. */
export class LiveContext<Kit> {
  readonly context: AudioContext;
  readonly #forget: () => void;
  readonly #users = new Set<SharedUser>();
  readonly #wanting = new Set<SharedUser>();
  #kit: Kit | undefined;
  #running = false;
  #over = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #time = -1;
  /** Looks since it last moved. */
  #still = 0;
  #waiting = false;

  /** Throws what the browser throws. `forget`: it is over. */
  constructor(
    options: AudioContextOptions,
    load: (context: AudioContext) => Promise<Kit>,
    forget: () => void,
  ) {
    this.#forget = forget;
    const context = new AudioContext(options);
    this.context = context;
    load(context).then(
      kit => {
        this.#kit = kit;
        this.#update();
      },
      error => this.#end(user => user.failed(error)),
    );
    context.addEventListener('statechange', this.#onState);
    context.addEventListener('sinkchange', this.#tell);
    context.addEventListener('error', this.#onError);
    navigator.mediaDevices?.addEventListener?.('devicechange', this.#tell);
  }

  /** There once it has run. */
  get kit(): Kit | undefined {
    return this.#kit;
  }

  /** It takes or gives samples, as far as can be told, and is loaded. */
  get running(): boolean {
    return this.#running;
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
    const running = this.#kit !== undefined && wanted && runs && this.#still < STILL_AFTER;
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
