/**
 * The page of a measurement: one player in `#stage`, driven by cases/*.mjs. A player is players/NAME.mjs of the bench,
 * which exports `load()` (what a page does before anybody wants to watch) and `play(stage, url, settings)`, which returns
 * a function that ends it.
 */
const stage = document.getElementById('stage');
let player;
let end;

const bench = {
  /** What went wrong on the page. */
  errors: [],
  /** Onsets of the beeps, ms since 1970. */
  beeps: [],

  async load(name) {
    player = await import(`/players/${name}.mjs`);
    await player.load();
  },

  /** The moment of the click, ms since 1970. */
  play(url, settings) {
    const clicked = performance.timeOrigin + performance.now();
    end = player.play(stage, url, settings);
    return clicked;
  },

  end() {
    end?.();
  },

  /** Keeps the page's thread busy `busy` of every `period` ms, for `duration` ms. */
  block(busy, period, duration) {
    const until = performance.now() + duration;
    const turn = () => {
      const begin = performance.now();
      if (begin >= until) return;
      while (performance.now() - begin < busy);
      setTimeout(turn, period - busy);
    };
    turn();
  },

  /** Sends the sound of a `<video>` through Web Audio, where beeps are heard. */
  route() {
    const video = stage.querySelector('video');
    if (!video || video.muted) return;
    const context = new AudioContext();
    routed.add(context);
    context.createMediaElementSource(video).connect(context.destination);
  },
};
globalThis.bench = bench;

addEventListener('error', event => bench.errors.push(event.message));
addEventListener('unhandledrejection', event => bench.errors.push(String(event.reason)));

/** Hears beeps on its way to the sound card, on the audio thread: the page's own may be busy. */
const LISTENER = `
  const LOUD = 0.03, QUIET_SECONDS = 0.3;
  registerProcessor('bench-listener', class extends AudioWorkletProcessor {
    last = -1;
    process([[channel]]) {
      for (let i = 0; channel && i < channel.length; i++) {
        if (Math.abs(channel[i]) < LOUD) continue;
        const frame = currentFrame + i;
        if (frame - this.last > QUIET_SECONDS * sampleRate) this.port.postMessage(frame / sampleRate);
        this.last = frame;
      }
      return true;
    }
  });`;

const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode && target.context instanceof AudioContext) {
    listener(target.context).then(
      node => connect.call(this, node),
      // The player was ended meanwhile, and its context with it.
      () => {},
    );
  }
  return connect.call(this, target, ...rest);
};

const listeners = new WeakMap();
/** Contexts that a `<video>` was sent through for listening. */
const routed = new WeakSet();
function listener(context) {
  if (!listeners.has(context)) listeners.set(context, makeListener(context));
  return listeners.get(context);
}

async function makeListener(context) {
  await context.audioWorklet.addModule(
    URL.createObjectURL(new Blob([LISTENER], { type: 'text/javascript' })),
  );
  const node = new AudioWorkletNode(context, 'bench-listener');
  node.port.onmessage = ({ data: heard }) => {
    // An element keeps its picture in step with its own output, and knows nothing of what Web Audio adds behind it.
    const { contextTime, performanceTime } = routed.has(context)
      ? { contextTime: context.currentTime, performanceTime: performance.now() }
      : context.getOutputTimestamp();
    bench.beeps.push(performance.timeOrigin + performanceTime + (heard - contextTime) * 1000);
  };
  connect.call(node, context.destination);
  return node;
}
