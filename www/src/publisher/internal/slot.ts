/**
 * One of the two sources, pictures or sound, through all its lives: opened, replaced without a gap, lost, and had again.
 *
 * Its one invariant: what an earlier source or an overtaken `replace()` still brings is closed and changes nothing. A device that
 * is lost is tried again until it or the default one gives; what the user or the app ended is not.
 */
import type { SailcastError } from '../../errors.js';
import type { AudioSource, Device, VideoSource } from '../types.js';
import type { Opened } from './capture/open.js';
import { aborted } from './errors.js';

/** As the worker is told. */
export type SourceState = 'live' | 'muted' | 'lost' | 'none';

/** A device that is there and cannot be had is tried again so much later, ms: twice as long each time. */
const AGAIN_AFTER = 500;
const AGAIN_AT_MOST = 10_000;

export interface SlotEvents<Source> {
  open(source: Source): Promise<Opened | undefined>;
  /** Something else gives now, or nothing. */
  opened(opened: Opened | undefined): void;
  state(state: SourceState): void;
  /** It cannot be had again for the time being. */
  error(error: SailcastError): void;
  /** What takes the place of one that ended for good, such as a shared screen; none: it is lost. */
  next(source: Source): Source | undefined;
}

type AnySource = VideoSource | AudioSource;

export class Slot<Source extends AnySource> {
  readonly #kind: 'video' | 'audio';
  readonly #events: SlotEvents<Source>;
  #source: Source;
  #opened: Opened | undefined;
  #state: SourceState = 'none';
  /** Counts whoever opens something. */
  #turn = 0;
  #replacing = false;
  /** The device to go back to. */
  #wanted: string | undefined;
  #watch = new AbortController();
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(kind: 'video' | 'audio', source: Source, events: SlotEvents<Source>) {
    this.#kind = kind;
    this.#source = source;
    this.#events = events;
  }

  get source(): Source {
    return this.#source;
  }

  get opened(): Opened | undefined {
    return this.#opened;
  }

  get state(): SourceState {
    return this.#state;
  }

  /** Opens `source` and lets it take over; until then, and if it cannot be had, the present one goes on. */
  async replace(source: Source, open = this.#events.open): Promise<void> {
    const turn = ++this.#turn;
    clearTimeout(this.#timer);
    this.#replacing = true;
    try {
      const opened = await this.#openBeside(source, open);
      if (turn !== this.#turn) {
        opened?.close();
        throw aborted('Another source came in between.');
      }
      this.#source = source;
      this.#wanted = ('deviceId' in source ? source.deviceId : undefined) ?? opened?.deviceId;
      this.#failures = 0;
      this.#replacing = false;
      this.#adopt(opened);
    } catch (error) {
      if (turn === this.#turn) {
        this.#replacing = false;
        // The present one may have ended meanwhile.
        this.look([]);
      }
      throw error;
    }
  }

  /** Devices came or went, or the page is back: what could not be had may be there now. */
  look(devices: readonly Device[]): void {
    if (this.#replacing) return;
    const track = this.#track();
    if (this.#state !== 'lost' && track?.readyState === 'ended') this.#lose();
    else if (this.#state === 'lost') this.#revive();
    else if (this.#wanted !== undefined && this.#opened?.deviceId !== this.#wanted) {
      if (this.#isDevice && devices.some(({ deviceId }) => deviceId === this.#wanted)) this.#revive();
    }
  }

  /** Ends it. */
  close(): void {
    this.#turn++;
    this.#wanted = undefined;
    this.#adopt(undefined);
  }

  get #isDevice(): boolean {
    return this.#source.kind === 'camera' || this.#source.kind === 'microphone';
  }

  #track(): MediaStreamTrack | undefined {
    return this.#kind === 'video' ? this.#opened?.video : this.#opened?.sound;
  }

  /** Some phones open one camera at a time: then the present one makes room. */
  async #openBeside(source: Source, open: SlotEvents<Source>['open']): Promise<Opened | undefined> {
    try {
      return await open(source);
    } catch (error) {
      const busy = (error as Partial<SailcastError>).details === 'deviceInUse';
      if (!busy || !this.#isDevice || !this.#opened || source.kind !== this.#source.kind) throw error;
      this.#opened.close();
      try {
        return await open(source);
      } catch {
        // It ends without an event.
        this.#replacing = false;
        this.#lose();
        throw error;
      }
    }
  }

  #adopt(opened: Opened | undefined): void {
    clearTimeout(this.#timer);
    this.#watch.abort();
    this.#watch = new AbortController();
    const last = this.#opened;
    this.#opened = opened;
    this.#follow();
    this.#events.opened(opened);
    this.#tell(opened ? 'live' : 'none');
    last?.close();
  }

  #follow(): void {
    const track = this.#track();
    if (!track) return;
    const { signal } = this.#watch;
    track.addEventListener('ended', () => this.#lose(), { signal });
    // Of other pictures it only says that nothing new was drawn.
    if (this.#kind === 'video' && !this.#isDevice) return;
    track.addEventListener('mute', () => this.#tell('muted'), { signal });
    track.addEventListener('unmute', () => this.#tell('live'), { signal });
  }

  #lose(): void {
    if (this.#replacing || this.#state === 'lost') return;
    this.#tell('lost');
    this.#revive();
  }

  #revive(): void {
    clearTimeout(this.#timer);
    const next = this.#isDevice ? this.#source : this.#events.next(this.#source);
    if (!next) return;
    const device = next === this.#source && this.#wanted !== undefined;
    const turn = ++this.#turn;
    this.#events.open(device ? { ...next, deviceId: this.#wanted } : next).then(
      opened => {
        if (turn !== this.#turn) return opened?.close();
        if (!device) this.#wanted = opened?.deviceId;
        this.#source = next;
        this.#failures = 0;
        this.#adopt(opened);
      },
      error => {
        if (turn === this.#turn) this.#failed(error);
      },
    );
  }

  #failed(error: SailcastError): void {
    // The substitute goes on.
    if (this.#state !== 'lost') return;
    if (this.#failures++ === 0) this.#events.error(error);
    // A device that comes, or a permission, is heard of; one that another program has is not.
    if (error.details !== 'deviceInUse') return;
    const delay = Math.min(AGAIN_AFTER * 2 ** (this.#failures - 1), AGAIN_AT_MOST);
    this.#timer = setTimeout(() => this.#revive(), delay);
  }

  #tell(state: SourceState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#events.state(state);
  }
}
