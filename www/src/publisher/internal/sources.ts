/**
 * What is captured: a source of pictures and one of sound, and what of them reaches the worker.
 *
 * The worker has a feed of each kind that there is, and knows its state. The sound of a screen or file is mixed with that of
 * the microphone; as long as one of the two is live, so is the sound.
 */

import type { SailcastError } from '../../errors.js';
import type { PublishConfig } from '../config.js';
import type { AudioSource, Device, VideoSource } from '../types.js';
import { cameraSize } from './capture/devices.js';
import { type Opened, openAudio, openBoth, openVideo } from './capture/open.js';
import { type Pictures, picturesOf } from './capture/pictures.js';
import { SoundCapture, type SoundFormat } from './capture/sound.js';
import { harmless, publisherError } from './errors.js';
import { rememberDevice } from './memory.js';
import type { ToPublishWorker } from './protocol.js';
import { Slot, type SourceState } from './slot.js';

export interface SourcesEvents {
  send(message: ToPublishWorker, transfer?: Transferable[]): void;
  /** What the preview shows is another thing. */
  preview(opened: Opened | undefined): void;
  error(error: SailcastError): void;
  /** No sound is captured, for the context does not run; or again. */
  audioSuspended(suspended: boolean): void;
}

export class Sources {
  readonly #events: SourcesEvents;
  readonly #sound: SoundCapture;
  readonly #video: Slot<VideoSource>;
  readonly #audio: Slot<AudioSource>;
  readonly #remember: boolean;
  #config: PublishConfig['video'];
  #pictures: Pictures | undefined;
  #suspended = false;
  #told: Partial<Record<'video' | 'audio', SourceState>> = {};

  constructor(
    wanted: { rememberDevices: boolean } & SoundFormat,
    config: PublishConfig['video'],
    events: SourcesEvents,
  ) {
    this.#events = events;
    this.#config = config;
    this.#remember = wanted.rememberDevices;
    this.#sound = new SoundCapture(wanted, {
      feed: (feed, transfer) => this.#events.send({ type: 'audio', feed }, transfer),
      suspended: suspended => {
        this.#suspended = suspended;
        this.#tell();
        this.#events.audioSuspended(suspended);
      },
      failed: error =>
        this.#events.error(
          publisherError('soundCaptureFailed', `Sound cannot be captured: ${error}.`, false, error),
        ),
    });
    const state = () => this.#tell();
    const error = (error: SailcastError) => this.#events.error(harmless(error) as SailcastError);
    this.#video = new Slot<VideoSource>(
      'video',
      { kind: 'none' },
      {
        open: source => openVideo(source, this.#ways),
        opened: opened => this.#onVideo(opened),
        state,
        error,
        next: source =>
          source.kind === 'screen' && source.onStop === 'camera' ? { kind: 'camera' } : undefined,
      },
    );
    this.#audio = new Slot<AudioSource>(
      'audio',
      { kind: 'none' },
      {
        open: source => openAudio(source, this.#ways),
        opened: opened => this.#sound.set('audio', opened?.sound),
        state,
        error,
        next: () => undefined,
      },
    );
  }

  get video(): Opened | undefined {
    return this.#video.opened;
  }

  get audio(): Opened | undefined {
    return this.#audio.opened;
  }

  get context(): 'running' | 'suspended' | 'off' {
    return this.#sound.state;
  }

  /** 0 to 1, of all sound. */
  set level(level: number) {
    this.#sound.level = level;
  }

  /** Opens both as they were asked for: what cannot be had is an error, and then nothing stays open. */
  async open(video: VideoSource, audio: AudioSource): Promise<void> {
    // One question to the user is better than two.
    const both = openBoth(video, audio, this.#ways);
    const [first, second] = await Promise.allSettled([
      this.#video.replace(video, async source => (await both)?.video ?? openVideo(source, this.#ways)),
      this.#audio.replace(audio, async source => (await both)?.audio ?? openAudio(source, this.#ways)),
    ]);
    const failed = [first, second].find(result => result.status === 'rejected');
    if (failed) {
      this.#video.close();
      this.#audio.close();
      throw failed.reason;
    }
    this.#rememberChoice(video);
    this.#rememberChoice(audio);
  }

  async replace(video: VideoSource | undefined, audio: AudioSource | undefined): Promise<void> {
    const results = await Promise.allSettled([
      video && this.#video.replace(video),
      audio && this.#audio.replace(audio),
    ]);
    for (const result of results) if (result.status === 'rejected') throw harmless(result.reason);
    this.#rememberChoice(video);
    this.#rememberChoice(audio);
  }

  /** Everything anew, for another worker. */
  give(): void {
    this.#told = {};
    this.#givePictures();
    this.#sound.give();
    this.#tell();
  }

  /** Asks the camera for the size and rate that are published, after they (`config`) or the page's orientation changed. */
  adapt(config = this.#config, changed = true): void {
    this.#config = config;
    if (changed && this.#video.source.kind === 'camera')
      this.#video.opened?.video?.applyConstraints(cameraSize(config)).catch(() => {});
  }

  look(devices: readonly Device[]): void {
    this.#video.look(devices);
    this.#audio.look(devices);
  }

  close(): void {
    this.#video.close();
    this.#audio.close();
    this.#sound.stop();
  }

  get #ways() {
    return { config: this.#config, remembered: this.#remember };
  }

  #rememberChoice(source: VideoSource | AudioSource | undefined): void {
    if (!this.#remember || !source || !('deviceId' in source) || source.deviceId === undefined) return;
    rememberDevice(source.kind, source.deviceId);
  }

  #onVideo(opened: Opened | undefined): void {
    this.#givePictures();
    this.#sound.set('video', opened?.sound);
    this.#events.preview(opened);
    // One that ended was mixed with the other.
    opened?.sound?.addEventListener('ended', () => this.#tell());
    // It may have sound where the one before had none: the state of its pictures says nothing of that.
    this.#tell();
  }

  #givePictures(): void {
    this.#pictures?.stop();
    const track = this.#video.opened?.video;
    this.#pictures = track && picturesOf(track);
    const { feed = null, transfer = [] } = this.#pictures ?? {};
    if (feed || this.#told.video !== undefined) this.#events.send({ type: 'video', feed }, transfer);
  }

  #tell(): void {
    const { state } = this.#video;
    // A stream of sound alone may be the source of pictures.
    this.#say('video', state === 'live' && !this.#video.opened?.video ? 'none' : state);
    const sound = this.#soundState();
    this.#say('audio', this.#suspended && sound === 'live' ? 'muted' : sound);
  }

  #soundState(): SourceState {
    const { state } = this.#audio;
    const beside = this.#video.opened?.sound;
    if (!beside || state === 'live') return state;
    return this.#video.state !== 'lost' && beside.readyState === 'live' ? 'live' : 'lost';
  }

  #say(kind: 'video' | 'audio', state: SourceState): void {
    if (state === (this.#told[kind] ?? 'none')) return;
    this.#told[kind] = state;
    this.#events.send({ type: 'source', kind, state });
  }
}
