/** Shaka Player, for low latency as its documentation has it: its low-latency mode, and catching up by rate. */
export const settings = {
  '': { streaming: { lowLatencyMode: true, liveSync: { enabled: true } } },
};

export async function load() {
  await globalThis.bench.script('/modules/shaka-player/dist/shaka-player.hls.js');
  globalThis.shaka.polyfill.installAll();
}

export function play(container, url, config) {
  const { shaka, bench } = globalThis;
  const video = document.createElement('video');
  container.append(video);
  const player = new shaka.Player();
  player.configure(config);
  const failed = error => bench.errors.push(error.message);
  player.addEventListener('error', ({ detail }) => failed(detail));
  player
    .attach(video)
    .then(() => player.load(url))
    .then(() => video.play())
    .catch(failed);
  return () => {
    player.destroy();
    video.remove();
  };
}
