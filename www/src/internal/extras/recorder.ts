/**
 * The player's recording, if there is one: it begins and ends it in the engine, whose bytes go where the page wants them.
 *
 * Its one invariant: once the engine has said all, or can say nothing more, the recording is complete and its target is closed;
 * what there is stays until it is fetched.
 */
import { pageError, type SailcastError } from '../../errors.js';
import type { RecordingOptions } from '../../types.js';
import { check } from '../check.js';
import type { ToWorker } from '../protocol.js';
import { Recording } from './recording.js';

export interface RecorderEvents {
  send(message: ToWorker): void;
  failed(error: SailcastError): void;
}

export class Recorder {
  readonly #events: RecorderEvents;
  #active = false;
  #recording: Recording | undefined;
  /** Settles when the recording is complete. */
  #completed: Promise<void> | undefined;
  #complete: () => void = () => {};

  constructor(events: RecorderEvents) {
    this.#events = events;
  }

  /** `plays`: what is to be recorded is still there, once the target is open. */
  async start({ format = 'mp4', target }: RecordingOptions, plays: () => boolean): Promise<void> {
    check(format === 'mp4' || format === 'flv', 'format', format);
    if (this.#active) throw pageError('recordingActive', 'There is a recording already.', false);
    this.#active = true;
    const type = `video/${format === 'mp4' ? 'mp4' : 'x-flv'}`;
    let recording: Recording;
    try {
      recording = await Recording.begin(target, type, why => this.#failed(why));
    } catch (error) {
      this.#active = false;
      throw pageError('recordingFailed', `The recording did not begin: ${error}.`, false, error);
    }
    if (!plays()) {
      this.#active = false;
      void recording.end();
      throw pageError('notPlaying', 'What was to be recorded is over.', false);
    }
    this.#recording = recording;
    this.#completed = new Promise(resolve => {
      this.#complete = resolve;
    });
    this.#events.send({ type: 'record', format });
  }

  /** The next bytes; none: it is complete. */
  take(data: Uint8Array<ArrayBuffer>): void {
    if (data.byteLength > 0) this.#recording?.add(data);
    else this.over();
  }

  /** Nothing more will come. */
  over(): void {
    void this.#recording?.end();
    this.#complete();
  }

  /** It ends before its time, for nothing more will come. */
  fail(why: string): void {
    this.#recording?.fail(why);
    this.#complete();
  }

  /** The engine ends it before its time, and gives what it still has. */
  ends(why: string): void {
    this.#events.failed(pageError('recordingFailed', why, false));
  }

  /** With the recording; null where it went to a target, or there is none. */
  async stop(): Promise<Blob | null> {
    const recording = this.#recording;
    if (!recording) return null;
    if (!recording.over) this.#events.send({ type: 'record', format: null });
    await this.#completed;
    if (this.#recording === recording) {
      this.#recording = undefined;
      this.#active = false;
    }
    return recording.end();
  }

  /** The engine says all the same when it has ended: what it still had must not come into another recording. */
  #failed(why: string): void {
    this.#events.send({ type: 'record', format: null });
    this.#events.failed(pageError('recordingFailed', `The recording ended: ${why}.`, false));
  }
}
