/**
 * One player's sound output: a node of the page's shared context, made when sound is wanted and not before, given to the
 * worker while it runs, taken back when the browser suspends it, made anew when the device is lost.
 *
 * The worker hears of an output only while the sound card really takes samples, so a picture never waits for sound.
 * Each time it starts to run it gets a fresh ring or port: nothing old can be heard. It decides no policy: that an output
 * is `blocked` is a report.
 */
import { pageError, type SailcastError } from '../../errors.js';
import { type AudioMessage, RING_FRAMES, RING_HEADER, type ToWorker } from '../protocol.js';
import { type SharedContext, type SoundNode, share } from './shared.js';

/** A context that is allowed to run does so within tens of ms; a slow device may take seconds. */
const BLOCKED_AFTER = 1000;
/** Once the user has acted, a slow device is likelier than a refusal. */
const BLOCKED_AFTER_ACTION = 3000;
/** An output that is asked for with the load waits no longer than this for the first picture. */
const OPEN_WITHIN = 500;
/** From the engine's first picture until it is on the screen. */
const AFTER_PICTURE = 50;
/** After a device was lost, another is tried so much later, ms: twice as long each time, until one has run for a while. */
const AGAIN_AFTER = 100;
const AGAIN_AT_MOST = 10_000;
const RUNS_WELL_AFTER = 5000;
/** What is not worth a message, seconds. */
const LATENCY_STEP = 0.002;
/** Volume changes fade over about this time constant, seconds. */
const FADE = 0.015;

/** The newest stream's rate, as a first guess for the next one. */
let likelyRate = 48000;

export interface OutputEvents {
  send(message: ToWorker, transfer?: Transferable[]): void;
  /** The browser does not let it run. The output is closed. */
  blocked(): void;
  /** Web Audio does not work here. The output is closed. */
  failed(error: SailcastError): void;
}

export class AudioOutput {
  readonly #base: URL | undefined;
  readonly #events: OutputEvents;
  #shared: SharedContext | undefined;
  #sound: SoundNode | undefined;
  #gain: GainNode | undefined;
  #level = 1;
  /** The stream's rate; 0 while it is unknown. */
  #rate = 0;
  #wanted = false;
  #path: 'ring' | 'port' | null = null;
  #latency = 0;
  /** Until it counts as blocked. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Set from `start()` without a rate until `rest()` or `stop()`. */
  #opening: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #losses = 0;
  #ranSince = 0;

  /** `base`: the folder of the worklet, if it is not where the bundler put it. */
  constructor(base: URL | undefined, events: OutputEvents) {
    this.#base = base;
    this.#events = events;
  }

  get state(): 'running' | 'suspended' | 'off' {
    if (this.#path) return 'running';
    return this.#wanted ? 'suspended' : 'off';
  }

  /** Null while it does not run. */
  get path(): 'ring' | 'port' | null {
    return this.#path;
  }

  /** Seconds from the worklet to the ear, as the browser reports it. */
  get latency(): number {
    return this.#path ? this.#latency : 0;
  }

  /** 0 to 1; 0 is muted. */
  set level(level: number) {
    this.#level = level;
    this.#gain?.gain.setTargetAtTime(level, this.#gain.context.currentTime, FADE);
  }

  /**
   * Sound is wanted. Called in the user's click even before the stream's rate is known (0), for Safari lets a context run
   * only from there; the right rate then keeps this context or makes another one.
   *
   * Opening a sound device keeps the page's thread and the browser busy, the first time for 100 ms and more, and both are
   * needed for the first picture. So an output without a rate is not opened yet.
   */
  start(rate: number): void {
    if (rate > 0) likelyRate = rate;
    this.#rate = rate;
    this.#wanted = true;
    if (this.#shared && (rate === 0 || this.#shared.context.sampleRate === rate)) {
      this.#watch(this.#shared);
      return;
    }
    if (this.#opening !== undefined && !this.#shared) return;
    this.stop();
    this.#wanted = true;
    if (rate > 0) this.open();
    // This timer stays when it is opened sooner: Safari passes the click's permission on to it, and to no message.
    else this.#opening = setTimeout(() => this.open(), OPEN_WITHIN);
  }

  /** The first picture was handed to the display. */
  pictureShown(): void {
    setTimeout(() => this.open(), AFTER_PICTURE);
  }

  /** Opens now what `start()` asked for. */
  open(): void {
    if (!this.#wanted || this.#again !== undefined) return;
    try {
      this.#shared ??= share(this.#rate || likelyRate, this.#base, this.#user);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#watch(this.#shared);
  }

  /** Nothing to hear until the next `start()`. The context is kept, for Safari would not let a new one run by itself. */
  rest(): void {
    this.#wanted = false;
    clearTimeout(this.#opening);
    clearTimeout(this.#timer);
    clearTimeout(this.#again);
    this.#opening = undefined;
    this.#timer = undefined;
    this.#again = undefined;
    this.#disconnect();
    this.#shared?.want(this.#user, false);
  }

  /** Lets go of the context. */
  stop(): void {
    this.rest();
    this.#losses = 0;
    this.#shared?.remove(this.#user);
    this.#shared = undefined;
  }

  /** Looks whether the latency has changed; the browser has no event for that. */
  poll(): void {
    const latency = this.#shared?.latency ?? 0;
    if (!this.#path || Math.abs(latency - this.#latency) < LATENCY_STEP) return;
    this.#latency = latency;
    this.#events.send({ type: 'audioLatency', latency });
  }

  /** How the context speaks to us. */
  readonly #user = {
    changed: () => this.#update(),
    lost: () => this.#lost(),
    failed: (error: unknown) => this.#fail(error),
  };

  /** Asks for it to run, and begins to wait for that once the stream is known to have sound. */
  #watch(shared: SharedContext): void {
    shared.want(this.#user, true);
    // What has run before was allowed: it goes on by itself, sooner or later.
    if (this.#rate > 0 && this.#losses === 0 && !this.#path) {
      const delay = navigator.userActivation?.hasBeenActive ? BLOCKED_AFTER_ACTION : BLOCKED_AFTER;
      this.#timer ??= setTimeout(() => {
        if (shared !== this.#shared || shared.context.state === 'running') return;
        this.stop();
        this.#events.blocked();
      }, delay);
    }
    this.#update();
  }

  /** Brings the worker's knowledge in line with the context's state. */
  #update(): void {
    const shared = this.#shared;
    if (!this.#wanted || !shared?.running) this.#disconnect();
    else if (this.#path) this.poll();
    else if (this.#rate === shared.context.sampleRate) this.#connect(shared);
  }

  #connect(shared: SharedContext): void {
    const { context } = shared;
    const { sampleRate } = context;
    // It is allowed: what stops it later is no refusal.
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#latency = shared.latency;
    this.#ranSince = performance.now();
    const gain = new GainNode(context, { gain: this.#level });
    const sound = shared.node();
    sound.node.connect(gain).connect(context.destination);
    this.#gain = gain;
    this.#sound = sound;
    const give = (audio: AudioMessage, transfer: Transferable[]) =>
      this.#events.send({ type: 'audio', audio, sampleRate, latency: this.#latency }, transfer);
    if (crossOriginIsolated) {
      const buffer = new SharedArrayBuffer((RING_HEADER + RING_FRAMES * 2) * 4);
      const audio = { kind: 'ring', buffer } as const;
      this.#path = audio.kind;
      sound.port.postMessage(audio, []);
      give(audio, []);
    } else {
      const { port1, port2 } = new MessageChannel();
      this.#path = 'port';
      sound.port.postMessage({ kind: 'port', port: port1 }, [port1]);
      give({ kind: 'port', port: port2 }, [port2]);
    }
  }

  #disconnect(): void {
    if (!this.#path) return;
    this.#path = null;
    this.#sound?.port.postMessage('end', []);
    this.#sound?.node.disconnect();
    this.#gain?.disconnect();
    this.#sound = undefined;
    this.#gain = undefined;
    this.#events.send({ type: 'audioOff' });
  }

  /** The device is gone or its context dead: the picture goes on, and another is opened. */
  #lost(): void {
    const ranWell = this.#path !== null && performance.now() - this.#ranSince > RUNS_WELL_AFTER;
    this.#losses = ranWell ? 1 : this.#losses + 1;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#disconnect();
    this.#shared = undefined;
    if (!this.#wanted) return;
    const delay = Math.min(AGAIN_AFTER * 2 ** (this.#losses - 1), AGAIN_AT_MOST);
    this.#again = setTimeout(() => {
      this.#again = undefined;
      this.open();
    }, delay);
  }

  #fail(error: unknown): void {
    this.#disconnect();
    this.#shared = undefined;
    this.stop();
    this.#events.failed(
      pageError('audioFailed', `The sound output could not be started: ${error}.`, false, error),
    );
  }
}
