/**
 * The audio worklet: takes PCM from the ring or the port, in step with the sound card, and counts what it took.
 *
 * It imports nothing at run time, so that every bundler may copy it as it is. Without sound it plays silence, and no jump
 * (underrun, return, clear) is heard as a click. It knows nothing of time: the engine makes that of the counts.
 */
import type * as protocol from '../protocol.js';

// The protocol's values; the types keep them equal.
const RING_HEADER: typeof protocol.RING_HEADER = 4;
const RING_WRITE: typeof protocol.RING_WRITE = 0;
const RING_READ: typeof protocol.RING_READ = 1;
const RING_CLEAR_TO: typeof protocol.RING_CLEAR_TO = 2;
const RING_UNDERRUN: typeof protocol.RING_UNDERRUN = 3;
const RING_FRAMES: typeof protocol.RING_FRAMES = 32768;

/** How much of a jump is left one frame later: under a hundredth after 5 ms at 48 kHz. */
const DECAY = 0.98;
const SILENT = 1e-4;
/** Port mode tells the total about every 40 ms, not for each 128 frames: each time wakes the worker. */
const REPORT_FRAMES = 2048;

/** Fills blocks with frames while there are any, then with silence. */
abstract class Reader {
  /** What is left of the last jump, and the last value played, per channel. */
  readonly #rest = [0, 0];
  readonly #last = [0, 0];
  #sounding = false;
  /** Frames were left out before the next one. */
  protected jumped = false;

  /** Copies what there is, at most `left.length` frames, and returns how many. */
  protected abstract take(left: Float32Array, right: Float32Array): number;

  /** `frames` of silence had to be played. */
  protected starved(_frames: number): void {}

  read(left: Float32Array, right: Float32Array): void {
    const length = left.length;
    const taken = this.take(left, right);
    const silence = length - taken;
    if (silence > 0) {
      left.fill(0, taken);
      right.fill(0, taken);
      this.starved(silence);
    }
    const begins = taken > 0 && (!this.#sounding || this.jumped);
    const stops = silence > 0 && (this.#sounding || taken > 0);
    for (let channel = 0; channel < 2; channel++) {
      const data = channel === 0 ? left : right;
      this.#smooth(channel, data, 0, taken, begins);
      this.#smooth(channel, data, taken, length, stops);
    }
    this.#sounding = silence === 0;
    if (taken > 0) this.jumped = false;
  }

  /** Starts from the value played last and lets the difference fade. */
  #smooth(channel: number, data: Float32Array, from: number, to: number, jump: boolean): void {
    if (from === to) return;
    let rest = jump ? (this.#last[channel] ?? 0) - (data[from] ?? 0) : (this.#rest[channel] ?? 0);
    for (let i = from; i < to && rest !== 0; i++) {
      data[i] = (data[i] ?? 0) + rest;
      rest = Math.abs(rest) < SILENT ? 0 : rest * DECAY;
    }
    this.#rest[channel] = rest;
    this.#last[channel] = data[to - 1] ?? 0;
  }
}

/** Reads the memory that the worker writes. */
export class RingReader extends Reader {
  readonly #header: Int32Array;
  readonly #samples: Float32Array;
  #read = 0;
  #cleared = 0;
  #begun = false;

  constructor(buffer: ArrayBufferLike) {
    super();
    this.#header = new Int32Array(buffer, 0, RING_HEADER);
    this.#samples = new Float32Array(buffer, RING_HEADER * 4, RING_FRAMES * 2);
    this.#read = Atomics.load(this.#header, RING_READ);
    this.#cleared = this.#read;
  }

  protected override take(left: Float32Array, right: Float32Array): number {
    // In this order: the writer sets the clear mark after its counter, so it is never ahead of the counter read here.
    const clear = Atomics.load(this.#header, RING_CLEAR_TO);
    const write = Atomics.load(this.#header, RING_WRITE);
    // Only a new mark counts: the differences are those of wrapping counters, and an old mark would be ahead again
    // after 2^31 frames.
    if (clear !== this.#cleared) {
      this.#cleared = clear;
      if (((clear - this.#read) | 0) > 0) {
        this.#read = clear;
        this.jumped = true;
      }
    }
    const count = Math.min(Math.max((write - this.#read) | 0, 0), left.length);
    for (let i = 0; i < count; i++) {
      const at = ((this.#read + i) & (RING_FRAMES - 1)) * 2;
      left[i] = this.#samples[at] ?? 0;
      right[i] = this.#samples[at + 1] ?? 0;
    }
    this.#read = (this.#read + count) | 0;
    if (count > 0) this.#begun = true;
    Atomics.store(this.#header, RING_READ, this.#read);
    return count;
  }

  protected override starved(frames: number): void {
    if (this.#begun) Atomics.add(this.#header, RING_UNDERRUN, frames);
  }
}

/** What `PortReader` needs of a `MessagePort`. */
export interface Port {
  onmessage: ((event: MessageEvent<Float32Array | 'clear'>) => void) | null;
  postMessage(total: number): void;
}

/** Reads the blocks that the worker sends. */
export class PortReader extends Reader {
  readonly #port: Port;
  #blocks: Float32Array[] = [];
  /** Frames taken of the first block. */
  #offset = 0;
  #queued = 0;
  #total = 0;
  #told = 0;

  constructor(port: Port) {
    super();
    this.#port = port;
    port.onmessage = event => {
      if (event.data === 'clear') this.#drop(0);
      else {
        this.#blocks.push(event.data);
        this.#queued += event.data.length / 2;
        this.#drop(RING_FRAMES);
      }
    };
  }

  protected override take(left: Float32Array, right: Float32Array): number {
    let count = 0;
    while (count < left.length) {
      const block = this.#blocks[0];
      if (!block) break;
      const frames = Math.min(block.length / 2 - this.#offset, left.length - count);
      for (let i = 0; i < frames; i++) {
        left[count + i] = block[(this.#offset + i) * 2] ?? 0;
        right[count + i] = block[(this.#offset + i) * 2 + 1] ?? 0;
      }
      count += frames;
      this.#offset += frames;
      if (this.#offset * 2 >= block.length) this.#shift();
    }
    this.#queued -= count;
    this.#total += count;
    if (this.#total - this.#told >= REPORT_FRAMES || (this.#total > this.#told && this.#queued === 0))
      this.#tell();
    return count;
  }

  /** Leaves out the oldest blocks until at most `keep` frames are queued. */
  #drop(keep: number): void {
    let dropped = 0;
    while (this.#queued - dropped > keep) {
      const block = this.#blocks[0];
      if (!block) break;
      dropped += block.length / 2 - this.#offset;
      this.#shift();
    }
    if (dropped === 0) return;
    this.#queued -= dropped;
    this.#total += dropped;
    this.jumped = true;
    this.#tell();
  }

  #shift(): void {
    this.#blocks.shift();
    this.#offset = 0;
  }

  #tell(): void {
    this.#told = this.#total;
    this.#port.postMessage(this.#total);
  }
}

/** The scope's class, or anything at all where there is none (tests). */
const Base = (globalThis as { AudioWorkletProcessor?: new () => { port: MessagePort } })
  .AudioWorkletProcessor;

if (Base) {
  registerProcessor(
    'sailcast',
    class extends Base {
      #reader: Reader | undefined;
      #ended = false;

      constructor() {
        super();
        this.port.onmessage = (event: MessageEvent<protocol.AudioMessage | 'end'>) => {
          const audio = event.data;
          // Its context goes on without it.
          if (audio === 'end') this.#ended = true;
          else
            this.#reader = audio.kind === 'ring' ? new RingReader(audio.buffer) : new PortReader(audio.port);
        };
      }

      process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
        const [left, right] = outputs[0] ?? [];
        if (left && right) this.#reader?.read(left, right);
        return !this.#ended;
      }
    },
  );
}
