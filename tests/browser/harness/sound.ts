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
  /** Hz, by the time from one crossing of zero to the next. */
  pitch: number;
}

/** A beep's beginning, seconds of the context; then what it was like, seconds and Hz. */
type Message = Partial<Record<'first' | 'length' | 'hole' | 'peak' | 'pitch', number>>;

/** Runs in the page before its own scripts. */
function tap() {
  /** Finds beeps in consecutive samples; `frame` is the number of the first. It goes to the audio thread as text. */
  const scanner = (rate: number, tell: (message: Message) => void) => {
    const [LOUD, END, HOLE] = [0.03, 0.05, 0.002];
    let crossed = -1;
    let spans = 0;
    let first = -1;
    let last = -1;
    let hole = 0;
    let peak = 0;
    let crossings = 0;
    let before = 0;
    return (samples: Float32Array | undefined, length: number, frame: number) => {
      for (let i = 0; i < length; i++) {
        const now = frame + i;
        const sample = samples?.[i] ?? 0;
        const level = Math.abs(sample);
        if (level > LOUD) {
          if (first < 0) {
            first = now;
            hole = 0;
            peak = 0;
            crossings = 0;
            crossed = -1;
            spans = 0;
            tell({ first: now / rate });
          } else hole = Math.max(hole, now - last);
          if (before < 0 && sample > 0) {
            // Over a hole nothing is counted.
            if (crossed >= 0 && now - crossed < HOLE * rate) {
              crossings++;
              spans += now - crossed;
            }
            crossed = now;
          }
          before = sample;
          last = now;
          peak = Math.max(peak, level);
        } else if (first >= 0 && now - last > END * rate) {
          const length = (last - first) / rate;
          tell({
            length,
            peak,
            hole: hole > HOLE * rate ? hole / rate : 0,
            pitch: (crossings / spans) * rate,
          });
          first = -1;
        }
      }
    };
  };
  const processor = `
    const scanner = ${scanner};
    registerProcessor('sailcast-test-recorder', class extends AudioWorkletProcessor {
      scan = scanner(sampleRate, message => this.port.postMessage(message));
      process([input], [output]) {
        this.scan(input[0], output[0].length, currentFrame);
        return true;
      }
    });`;
  const heard = { beeps: [] as Beep[], contexts: [] as AudioContext[] };
  (globalThis as unknown as { heard: typeof heard }).heard = heard;
  const connect = AudioNode.prototype.connect as (this: AudioNode, ...args: unknown[]) => unknown;
  const recorders = new WeakMap<AudioContext, Promise<AudioNode>>();
  /** Writes down what a scanner says. */
  const writer = (context: AudioContext) => {
    let at = 0;
    return (message: Message) => {
      if (message.first !== undefined) {
        // Read at once: a sound card that pauses moves the context's time against the clock.
        const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
        at = performance.timeOrigin + performanceTime + (message.first - contextTime) * 1000;
      } else {
        const { length = 0, hole = 0, peak = 0, pitch = 0 } = message;
        heard.beeps.push({ at, length: length * 1000, hole: hole * 1000, peak, pitch });
      }
    };
  };
  const onAudioThread = async (context: AudioContext) => {
    const url = URL.createObjectURL(new Blob([processor], { type: 'text/javascript' }));
    await context.audioWorklet.addModule(url);
    const node = new AudioWorkletNode(context, 'sailcast-test-recorder');
    const write = writer(context);
    node.port.onmessage = ({ data }: MessageEvent<Message>) => write(data);
    return node;
  };
  /** Where there are no worklets. An event may be late: the samples are counted, and no event is early. */
  const onPage = (context: AudioContext) => {
    const node = context.createScriptProcessor(1024, 1, 1);
    const scan = scanner(context.sampleRate, writer(context));
    let frames = 0;
    let began = Number.POSITIVE_INFINITY;
    node.onaudioprocess = ({ inputBuffer }) => {
      const { length } = inputBuffer;
      began = Math.min(began, Math.round(context.currentTime * context.sampleRate) - frames - length);
      scan(inputBuffer.getChannelData(0), length, began + frames);
      frames += length;
    };
    return node;
  };
  const recorder = (context: AudioContext) => {
    let made = recorders.get(context);
    if (!made) {
      made = (
        context.audioWorklet ? onAudioThread(context) : Promise.resolve<AudioNode>(onPage(context))
      ).then(node => {
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
