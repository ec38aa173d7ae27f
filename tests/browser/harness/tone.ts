/** A steady tone as a stream, and a recorder of every sample that leaves the page. */
import type { Page } from '@playwright/test';
import { type Running, run } from '../../interop/process.js';

/** Sent at its own pace until it is stopped. */
export function publishTone(hz: number, target: string): Running {
  const source = `sine=frequency=${hz}:sample_rate=48000,volume=10dB`;
  const coded = ['-c:a', 'aac', '-b:a', '160k', '-ac', '2', '-f', 'flv', '-method', 'POST', target];
  return run('ffmpeg', ['-loglevel', 'warning', '-nostdin', '-re', '-f', 'lavfi', '-i', source, ...coded]);
}

/** What was heard, at 48 kHz. */
export interface Tape {
  /** Milliseconds since 1970, when the first sample left the browser. */
  at: number;
  samples: Float32Array;
}

/** Runs in the page before its own scripts. */
function record() {
  // Four minutes at most, in blocks of 512.
  const processor = `
    registerProcessor('sailcast-test-tape', class extends AudioWorkletProcessor {
      blocks = [];
      constructor() {
        super();
        this.port.onmessage = () => {
          const samples = new Float32Array(this.blocks.reduce((sum, { length }) => sum + length, 0));
          let at = 0;
          for (const block of this.blocks) {
            samples.set(block, at);
            at += block.length;
          }
          const first = currentFrame - samples.length;
          this.blocks = [];
          this.port.postMessage({ first: first / sampleRate, samples }, [samples.buffer]);
        };
      }
      process([input], [output]) {
        this.blocks.push(input[0] ? input[0].slice() : new Float32Array(output[0].length));
        if (this.blocks.length > 22500) this.blocks = [];
        return true;
      }
    });`;
  const connect = AudioNode.prototype.connect as (this: AudioNode, ...args: unknown[]) => unknown;
  const url = URL.createObjectURL(new Blob([processor], { type: 'text/javascript' }));
  AudioNode.prototype.connect = function (this: AudioNode, ...args: unknown[]) {
    const [to] = args;
    // Only the page's own node has a gain before the destination.
    if (
      to instanceof AudioDestinationNode &&
      this instanceof GainNode &&
      to.context instanceof AudioContext
    ) {
      const { context } = to;
      context.audioWorklet.addModule(url).then(() => {
        const node = new AudioWorkletNode(context, 'sailcast-test-tape');
        connect.call(this, node);
        connect.call(node, context.destination);
        (globalThis as unknown as { tape: AudioWorkletNode }).tape = node;
      });
    }
    return connect.apply(this, args);
  } as typeof AudioNode.prototype.connect;
}

/** Call before the page is opened. */
export async function tape(page: Page): Promise<void> {
  await page.addInitScript(record);
}

/** What was heard since the last call. */
export async function heardTape(page: Page): Promise<Tape> {
  const { at, coded } = await page.evaluate(
    () =>
      new Promise<{ at: number; coded: string }>(resolve => {
        const { port, context } = (globalThis as unknown as { tape: AudioWorkletNode }).tape;
        port.onmessage = ({ data: { first, samples } }) => {
          const { contextTime = 0, performanceTime = 0 } = (context as AudioContext).getOutputTimestamp();
          const at = performance.timeOrigin + performanceTime + (first - contextTime) * 1000;
          const bytes = new Uint8Array(samples.buffer);
          let coded = '';
          for (let i = 0; i < bytes.length; i += 8192) {
            coded += String.fromCharCode(...bytes.subarray(i, i + 8192));
          }
          resolve({ at, coded: btoa(coded) });
        };
        port.postMessage(null);
      }),
  );
  const bytes = Buffer.from(coded, 'base64');
  return { at, samples: new Float32Array(new Uint8Array(bytes).buffer) };
}

/** Frequency of a tone, from its first to its last upward crossing. */
export function pitch(samples: Float32Array, rate = 48_000): number {
  const crossings: number[] = [];
  for (let i = 1; i < samples.length; i++) {
    const [a, b] = [samples[i - 1] ?? 0, samples[i] ?? 0];
    if (a <= 0 && b > 0) crossings.push(i - 1 + -a / (b - a));
  }
  const span = (crossings.at(-1) ?? 0) - (crossings[0] ?? 0);
  return ((crossings.length - 1) * rate) / span;
}

export function loudness(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
}

export function largestStep(samples: Float32Array): number {
  return samples.reduce((worst, x, i) => Math.max(worst, i > 0 ? Math.abs(x - (samples[i - 1] ?? 0)) : 0), 0);
}
