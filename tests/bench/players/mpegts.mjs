/** mpegts.js, in a worker. */
const live = {
  enableWorker: true,
  enableStashBuffer: false,
  lazyLoad: false,
  deferLoadAfterSourceOpen: false,
  autoCleanupSourceBuffer: true,
  liveSync: true,
};

/** As its documentation advises for live streams; the latency it holds is the library's default. */
const advised = { ...live, liveSyncMaxLatency: 1.2, liveSyncTargetLatency: 0.8, liveSyncPlaybackRate: 1.2 };

export const settings = {
  '': advised,
  /** Below what it advises, as low as it goes on a clean link. */
  tight: { ...live, liveSyncMaxLatency: 0.5, liveSyncTargetLatency: 0.3, liveSyncPlaybackRate: 1.5 },
  default: {},
  muted: { ...advised, muted: true },
};

export async function load() {
  await globalThis.bench.script('/modules/mpegts.js/dist/mpegts.js');
  globalThis.mpegts.LoggingControl.enableAll = false;
}

export function play(container, url, { muted = false, ...config }) {
  const { mpegts, bench } = globalThis;
  const video = document.createElement('video');
  video.muted = muted;
  container.append(video);
  const player = mpegts.createPlayer({ type: 'flv', isLive: true, url }, config);
  player.on(mpegts.Events.ERROR, (type, detail) => bench.errors.push(`${type} ${detail}`));
  player.attachMediaElement(video);
  player.load();
  player.play().catch(error => bench.errors.push(String(error)));
  return () => {
    player.destroy();
    video.remove();
  };
}
