/** A sound for those who have no microphone: a beep each second. It is not heard on this machine. */

const HZ = 880;
const BEEP_SECONDS = 0.08;
const LOUDNESS = 0.25;

export class Tone {
  #context: AudioContext | undefined;
  #stream: MediaStream | undefined;

  /** Wants to be asked for within a click, like all sound. */
  get stream(): MediaStream {
    this.#stream ??= this.#begin();
    return this.#stream;
  }

  stop(): void {
    void this.#context?.close();
    this.#context = undefined;
    this.#stream = undefined;
  }

  #begin(): MediaStream {
    const context = new AudioContext();
    this.#context = context;
    const second = context.createBuffer(1, context.sampleRate, context.sampleRate);
    const samples = second.getChannelData(0);
    const length = Math.round(BEEP_SECONDS * context.sampleRate);
    for (let i = 0; i < length; i += 1) {
      const swell = Math.sin((Math.PI * i) / length);
      samples[i] = LOUDNESS * swell * Math.sin((2 * Math.PI * HZ * i) / context.sampleRate);
    }
    const source = new AudioBufferSourceNode(context, { buffer: second, loop: true });
    const out = context.createMediaStreamDestination();
    source.connect(out);
    source.start();
    void context.resume();
    return out.stream;
  }
}
