/**
 * flv.js, which mpegts.js comes from. It has nothing of its own against latency: sites that use it for live streams jump
 * by hand when they have fallen behind. Its worker does not start in this Chromium, so it works on the page's thread.
 */
const live = {
  enableStashBuffer: false,
  lazyLoad: false,
  deferLoadAfterSourceOpen: false,
  autoCleanupSourceBuffer: true,
};

export const settings = {
  /** `jump`: when more than so many seconds behind, to so many. */
  '': { ...live, jump: { above: 1.5, to: 0.5 } },
  default: {},
};

const LOOK_MS = 500;

export async function load() {
  await globalThis.bench.script('/modules/flv.js/dist/flv.min.js');
  globalThis.flvjs.LoggingControl.enableAll = false;
}

export function play(container, url, { jump, ...config }) {
  const { flvjs, bench } = globalThis;
  const video = document.createElement('video');
  container.append(video);
  const player = flvjs.createPlayer({ type: 'flv', isLive: true, url }, config);
  player.on(flvjs.Events.ERROR, (type, detail) => bench.errors.push(`${type} ${detail}`));
  player.attachMediaElement(video);
  player.load();
  player.play()?.catch(error => bench.errors.push(String(error)));
  const timer = jump && setInterval(() => keepUp(video, jump), LOOK_MS);
  return () => {
    clearInterval(timer);
    player.destroy();
    video.remove();
  };
}

function keepUp(video, { above, to }) {
  const { buffered } = video;
  if (buffered.length === 0) return;
  const edge = buffered.end(buffered.length - 1);
  if (edge - video.currentTime > above) video.currentTime = edge - to;
}
