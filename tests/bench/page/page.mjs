/**
 * The page of a measurement: a square of equal players in `#stage`, mostly of one, driven by cases/*.mjs. A player is
 * players/NAME.mjs of the bench, which exports `load()` (what a page does before anybody wants to watch) and
 * `play(container, url, settings)`, which fills the container and returns a function that ends it.
 */
const stage = document.getElementById('stage');
let player;
let ends = [];

const bench = {
  /** What went wrong on the page. */
  errors: [],
  /** Onsets of the beeps, ms since 1970. */
  beeps: [],

  async load(name) {
    player = await import(`/players/${name}.mjs`);
    await player.load();
  },

  /** Loads a classic script, for players that have no module of their own. */
  async script(src) {
    const element = document.createElement('script');
    await new Promise((resolve, reject) => {
      element.src = src;
      element.onload = resolve;
      element.onerror = () => reject(new Error(`${src} could not be loaded`));
      document.head.append(element);
    });
  },

  /** Starts a player for each address. Returns the moment of the click, ms since 1970. */
  play(urls, settings) {
    const clicked = performance.timeOrigin + performance.now();
    stage.style.setProperty('--columns', Math.ceil(Math.sqrt(urls.length)));
    ends = urls.map(url => {
      const cell = document.createElement('div');
      stage.append(cell);
      return player.play(cell, url, settings);
    });
    return clicked;
  },

  end() {
    for (const end of ends.splice(0)) end();
    stage.replaceChildren();
  },

  /** For each `<video>`: how many pictures it has handed to the compositor, and when it was asked, ms. */
  handedOver() {
    const videos = [...stage.querySelectorAll('video')];
    const one = video =>
      new Promise(resolve => {
        video.requestVideoFrameCallback((at, { presentedFrames }) => resolve({ at, presentedFrames }));
        setTimeout(resolve, 1000, { at: performance.now(), presentedFrames: 0 });
      });
    return Promise.all(videos.map(one));
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

  /** Hears from now on what is connected to an AudioContext's output. Not without need: it costs what it hears with. */
  listen() {
    const connect = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function (target, ...rest) {
      if (target instanceof AudioDestinationNode && target.context instanceof AudioContext) {
        listener(target.context, connect).then(
          node => connect.call(this, node),
          // The player was ended meanwhile, and its context with it.
          () => {},
        );
      }
      return connect.call(this, target, ...rest);
    };
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

const listeners = new WeakMap();
/** Contexts that a `<video>` was sent through for listening. */
const routed = new WeakSet();
function listener(context, connect) {
  if (!listeners.has(context)) listeners.set(context, makeListener(context, connect));
  return listeners.get(context);
}

async function makeListener(context, connect) {
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
