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

  async start({ format = 'mp4', target }: RecordingOptions): Promise<void> {
    check(format === 'mp4' || format === 'flv', 'format', format);
    if (this.#active) throw pageError('recordingActive', 'There is a recording already.', false);
    this.#active = true;
    try {
      this.#recording = await Recording.begin(target, `video/${format === 'mp4' ? 'mp4' : 'x-flv'}`, why =>
        this.#failed(why),
      );
    } catch (error) {
      this.#active = false;
      throw pageError('recordingFailed', `The recording did not begin: ${error}.`, false, error);
    }
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

  /** It ends before its time. */
  fail(why: string): void {
    this.#recording?.fail(why);
    this.#complete();
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

  #failed(why: string): void {
    this.#events.send({ type: 'record', format: null });
    this.#complete();
    this.#events.failed(pageError('recordingFailed', `The recording ended: ${why}.`, false));
  }
}
