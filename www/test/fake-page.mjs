// A page that is none, and workers that only listen: what players and preloads tell their sessions can be read from them.
const workers = [];

class FakeWorker {
  posted = [];
  #tell;
  constructor() {
    workers.push(this);
  }
  /** Its script runs as soon as somebody listens. */
  set onmessage(tell) {
    this.#tell = tell;
    tell({ data: { type: 'hello' } });
  }
  postMessage(message) {
    this.posted.push(message);
  }
  terminate() {}
  say(message) {
    this.#tell({ data: message });
  }
  /** The session of `player` says something. */
  tell(player, message) {
    this.say({ type: 'player', player, message });
  }
}

const nothing = () => {};
Object.assign(globalThis, {
  Worker: FakeWorker,
  VideoFrame: class {},
  MediaStreamTrackGenerator: class {},
  location: { origin: 'https://page.example' },
  window: new EventTarget(),
  document: Object.assign(new EventTarget(), {
    baseURI: 'https://page.example/',
    visibilityState: 'visible',
    createElement: () => ({ remove: nothing }),
    head: { append: nothing },
  }),
  fetch: () => new Promise(nothing),
});
Object.defineProperty(globalThis, 'navigator', {
  value: { hardwareConcurrency: 1, onLine: true },
  configurable: true,
});

let folders = 0;

/** Forgets the workers so far. Returns a folder of files that no worker is of: the next session has a worker of its own. */
export function afresh() {
  workers.length = 0;
  return new URL(`https://page.example/${++folders}/`);
}

export { workers };

/** What each session was told, by the number of its player, oldest first. */
export function sessions() {
  const told = new Map();
  for (const { player, message } of workers.flatMap(({ posted }) => posted)) {
    if (player === undefined) continue;
    if (!told.has(player)) told.set(player, []);
    told.get(player).push(message);
  }
  return [...told].map(([player, messages]) => ({
    player,
    told: messages,
    types: messages.map(({ type }) => type),
    preloads: messages.filter(({ type }) => type === 'preload').map(({ url }) => url),
    loads: messages.filter(({ type }) => type === 'load').map(({ load, lines }) => [load, ...lines]),
  }));
}
