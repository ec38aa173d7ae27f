/**
 * The course of a player's loads: what the engine tells goes where it belongs, the picture into the view and all else into the
 * face; and when a worker crashes, another one goes on.
 *
 * Its one invariant: what belongs to an earlier load, an earlier worker or a destroyed player changes nothing.
 */
import { type ErrorType, SailcastError } from '../errors.js';
import { fill, own, type RenditionFields, type VideoRenditionList } from '../renditions.js';
import type { Recorder } from './extras/recorder.js';
import type { Face } from './face.js';
import type { FromLoad, Link } from './link.js';
import type { Begun, RenditionInfo, WorkerEvent } from './protocol.js';
import type { Given } from './source.js';
import type { View } from './view.js';

/** A player whose worker crashes again so soon has most likely to do with it, ms. */
const CRASHES_APART = 60_000;

export class Course {
  readonly #face: Face;
  readonly #view: View;
  readonly #link: Link;
  readonly #renditions: VideoRenditionList;
  #given: Given;
  /** Of the player, once it has recorded. */
  recorder: Recorder | undefined;
  /** The rendition that the page chose, for this load. */
  #rendition: string | null = null;
  #crashedAt = Number.NEGATIVE_INFINITY;
  /** Another worker goes on with what the viewer has seen already, and has not begun to play. */
  #restarting = false;
  /** The page heard of it as a connection that is lost. */
  #reconnecting = false;
  /** The present load needs the whole player, whatever its address says. */
  #needsAll = false;

  constructor(face: Face, view: View, link: Link, renditions: VideoRenditionList, given: Given) {
    this.#face = face;
    this.#view = view;
    this.#link = link;
    this.#renditions = renditions;
    this.#given = given;
    own(renditions, id => {
      this.#rendition = id;
      link.send({ type: 'selectRendition', id });
    });
  }

  /** What the present load plays, or the next one. */
  get given(): Given {
    return this.#given;
  }

  /** Another load has begun. */
  begin(given: Given): void {
    this.#given = given;
    this.#restarting = this.#reconnecting = this.#needsAll = false;
    this.#rendition = given.rendition === undefined ? null : `${given.rendition}`;
    fill(this.#renditions, [], this.#rendition);
  }

  receive(message: FromLoad): void {
    if (message.load !== this.#face.load) return;
    if (message.type === 'event') this.#handle(message.event);
    else this.#face.take(message.stats, message.quality);
  }

  /** The session is lost. */
  lost(error: SailcastError, blameless = false): void {
    // A worker that was only made ready fails again, and is heard, when it is needed.
    if (!this.#face.loaded) return;
    if (error.details === 'workerCrashed' && this.#mayRestart(blameless)) this.#restart();
    else {
      this.recorder?.fail('the worker crashed');
      this.#face.failHere(error);
    }
  }

  /** Plays the present load in another worker: a recording where it was, a live stream where that is now. */
  reopen(): void {
    void this.#again('crash');
    this.#link.send({ type: 'play' });
    if (this.#face.audible) this.#face.startSound();
  }

  /** The session that is left has nothing more to say. */
  leave(): void {
    this.#face.sound.rest();
    this.recorder?.over();
  }

  /**
   * Goes over to the whole player, if it is not there: to the viewer, a stall. Until that is there, all goes on as it is, and what came
   * of a file goes with it. Resolves when its worker knows of the load.
   */
  async goOver(): Promise<void> {
    const face = this.#face;
    const { load } = face;
    if (this.#link.has('all')) return;
    await this.#link.prepare('all');
    const begun = await this.#link.ask('begun');
    if (face.load !== load || !face.loaded) return;
    this.#needsAll = true;
    this.#restarting ||= face.figures.stats.framesRendered > 0 || face.state === 'playing';
    if (this.#restarting && !face.paused) face.waiting();
    if (face.load !== load) return;
    const told = this.#again('load', begun);
    if (!face.paused) this.#link.send({ type: 'play' });
    if (face.audible) face.startSound();
    await told;
  }

  async #again(reason: 'load' | 'crash', begun?: Begun | null): Promise<void> {
    const face = this.#face;
    this.#link.ensure(this.#needsAll ? 'all' : this.#link.buildFor(this.#given), true);
    const given = {
      ...this.#given,
      rendition: this.#rendition === null ? undefined : Number(this.#rendition),
      startTime: face.figures.place.live === false ? face.currentTime : this.#given.startTime,
      ...(begun && { sourceType: 'file' as const, begun }),
    };
    const told = this.#link.load(face.load, given, undefined, reason);
    for (const [kind, number] of face.tracks.asked) this.#link.send({ type: 'selectTrack', kind, number });
    await told;
  }

  #mayRestart(blameless: boolean): boolean {
    if (blameless) return true;
    const last = this.#crashedAt;
    this.#crashedAt = performance.now();
    return this.#crashedAt - last > CRASHES_APART;
  }

  /** The worker crashed: another one goes on. The last picture stays. */
  #restart(): void {
    const face = this.#face;
    const { load } = face;
    this.#restarting ||= face.figures.stats.framesRendered > 0 || face.state === 'playing';
    const last = face.crashed();
    face.sound.rest();
    this.recorder?.fail('the worker crashed');
    if (last) face.emit('qos', last);
    if (face.load === load) face.endSeek();
    if (face.load !== load) return;
    // A paused one needs none before it plays again.
    if (face.paused) return;
    if (this.#restarting) face.waiting();
    this.#reconnecting = true;
    if (face.load === load) face.emit('reconnecting', { attempt: 1, delay: 0, reason: 'crash' });
    if (face.load === load && !face.paused) this.reopen();
  }

  #handle(event: WorkerEvent): void {
    const face = this.#face;
    face.figures.note(event);
    face.tracks.note(event);
    switch (event.name) {
      case 'statechange':
        // These come with their own event, so that no listener sees the one without the other.
        if (event.state === 'failed' || event.state === 'ended') return;
        // To the viewer a restart is a stall.
        if (event.state !== 'connecting' || !this.#restarting) face.setState(event.state);
        return;
      case 'firstframe':
        this.#view.pictureShown();
        face.sound.pictureShown();
        face.pending.resolve('started');
        if (!this.#restarting) face.emit('firstframe', face.figures.firstFrame(event));
        return;
      case 'playing':
        this.#playing();
        return;
      case 'waiting':
        face.waiting();
        return;
      case 'ended':
        this.recorder?.over();
        face.ended();
        return;
      case 'resolve':
        this.#link.resolve(face.load, event);
        return;
      case 'needsall':
        void this.goOver();
        return;
      case 'source':
      case 'durationchange':
        face.tellPlace();
        return;
      case 'ratechange':
        face.tellRate(event.rate);
        return;
      case 'seeked':
        face.seeked(event.at);
        return;
      case 'renditions':
        fill(
          this.#renditions,
          event.renditions.map((info, i) => this.#fields(info, i)),
          this.#rendition,
        );
        return;
      case 'renditionchange': {
        const rendition = this.#renditions.getRenditionById(event.id);
        if (rendition) face.emit('renditionchange', { rendition, auto: event.auto });
        return;
      }
      case 'recorded':
        this.recorder?.take(event.data);
        return;
      case 'recordingfailed':
        this.recorder?.ends(event.why);
        return;
      case 'degraded':
      case 'recovered':
        face.emit(event.name, null);
        return;
      case 'error': {
        const error = new SailcastError({ ...event, type: event.kind as ErrorType });
        if (error.fatal) {
          this.recorder?.over();
          face.fail(error);
        } else face.emit('error', error);
        return;
      }
      case 'resize':
        this.#view.pose = { turn: event };
        face.emit('resize', { width: event.width, height: event.height });
        return;
      case 'audiotrack':
      case 'trackselected':
        if (face.audioRate > 0) face.startSound();
        break;
      case 'videotrack':
        this.#view.attach();
        break;
    }
    const { name, ...detail } = event;
    face.emit(name, detail);
  }

  #playing(): void {
    const face = this.#face;
    const { load } = face;
    this.#view.pictureShown();
    // A stream without sound needs no output that was opened ahead of it.
    if (face.audioRate === 0) face.sound.stop();
    else face.sound.open();
    // The engine's own statechange is on its way; whoever waited for this must already see it.
    face.setState('playing');
    if (face.load !== load) return;
    face.pending.resolve('started');
    face.pending.resolve('playing');
    const reconnected = this.#reconnecting;
    this.#restarting = this.#reconnecting = false;
    if (reconnected) face.emit('reconnected', { attempt: 1 });
    if (face.load === load) face.emit('playing', null);
  }

  /** What the page said of it comes back by the engine, but for the address. */
  #fields(
    { id, name, bitrate, width, height, frameRate, codecs }: RenditionInfo,
    index: number,
  ): RenditionFields {
    const src = this.#given.renditions[index]?.lines[0];
    return {
      id,
      name,
      ...(src !== undefined && { src }),
      ...(width !== null && { width }),
      ...(height !== null && { height }),
      ...(bitrate !== null && { bitrate }),
      ...(frameRate !== null && { frameRate }),
      ...(codecs !== '' && { codec: codecs }),
    };
  }
}
