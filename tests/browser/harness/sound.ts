/**
 * What is heard: a recorder on everything that is connected to an AudioContext's destination. It runs on the audio
 * thread, notes each beep's first and last loud sample, and so does not depend on the page's thread either.
 */
import type { Page } from '@playwright/test';

export interface Beep {
  /** Milliseconds since 1970, when its first sample left the browser. */
  at: number;
  /** From its first to its last loud sample, milliseconds. */
  length: number;
  /** Longest run of silence inside, milliseconds: a hole in the sound. */
  hole: number;
  /** Largest sample. */
  peak: number;
}

/** Runs in the page before its own scripts. */
function tap() {
  const processor = `
    const LOUD = 0.03, END = 0.05, HOLE = 0.002;
    registerProcessor('sailcast-test-recorder', class extends AudioWorkletProcessor {
      first = -1; last = -1; hole = 0; peak = 0;
      process([input], [output]) {
        const channel = input[0];
        for (let i = 0; i < output[0].length; i++) {
          const frame = currentFrame + i;
          const loud = channel !== undefined && Math.abs(channel[i]) > LOUD;
          if (loud) {
            if (this.first < 0) {
              this.first = frame; this.hole = 0; this.peak = 0;
              this.port.postMessage({ first: frame / sampleRate });
            }
            else this.hole = Math.max(this.hole, frame - this.last);
            this.last = frame;
            this.peak = Math.max(this.peak, Math.abs(channel[i]));
          } else if (this.first >= 0 && frame - this.last > END * sampleRate) {
            this.port.postMessage({ length: (this.last - this.first) / sampleRate, peak: this.peak,
              hole: this.hole > HOLE * sampleRate ? this.hole / sampleRate : 0 });
            this.first = -1;
          }
        }
        return true;
      }
    });`;
  const heard = { beeps: [] as Beep[], contexts: [] as AudioContext[] };
  (globalThis as unknown as { heard: typeof heard }).heard = heard;
  const connect = AudioNode.prototype.connect as (this: AudioNode, ...args: unknown[]) => unknown;
  const recorders = new WeakMap<AudioContext, Promise<AudioWorkletNode>>();
  const recorder = (context: AudioContext) => {
    let made = recorders.get(context);
    if (!made) {
      const url = URL.createObjectURL(new Blob([processor], { type: 'text/javascript' }));
      made = context.audioWorklet.addModule(url).then(() => {
        const node = new AudioWorkletNode(context, 'sailcast-test-recorder');
        let at = 0;
        node.port.onmessage = ({
          data,
        }: MessageEvent<Partial<Record<'first' | 'length' | 'hole' | 'peak', number>>>) => {
          if (data.first !== undefined) {
            // Read at once: a sound card that pauses moves the context's time against the clock.
            const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
            at = performance.timeOrigin + performanceTime + (data.first - contextTime) * 1000;
          } else {
            const { length = 0, hole = 0, peak = 0 } = data;
            heard.beeps.push({ at, length: length * 1000, hole: hole * 1000, peak });
          }
        };
        connect.call(node, context.destination);
        return node;
      });
      recorders.set(context, made);
      heard.contexts.push(context);
    }
    return made;
  };
  AudioNode.prototype.connect = function (this: AudioNode, ...args: unknown[]) {
    if (args[0] instanceof AudioDestinationNode && args[0].context instanceof AudioContext) {
      recorder(args[0].context).then(
        node => connect.call(this, node),
        () => {},
      );
    }
    return connect.apply(this, args);
  } as typeof AudioNode.prototype.connect;
}

/** Call before the page is opened. */
export async function listen(page: Page): Promise<void> {
  await page.addInitScript(tap);
}

/** All beeps since the page was opened. */
export function beeps(page: Page): Promise<Beep[]> {
  return page.evaluate(() => (globalThis as unknown as { heard: { beeps: Beep[] } }).heard.beeps);
}

/** States of the page's audio contexts. */
export function contexts(page: Page): Promise<AudioContextState[]> {
  return page.evaluate(() =>
    (globalThis as unknown as { heard: { contexts: AudioContext[] } }).heard.contexts.map(c => c.state),
  );
}
