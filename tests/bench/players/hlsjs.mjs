/** hls.js with its worker, for low latency as its documentation has it: parts, and catching up by rate. */
export const settings = {
  '': { lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5, backBufferLength: 90 },
};

export async function load() {
  await globalThis.bench.script('/modules/hls.js/dist/hls.min.js');
}

export function play(container, url, config) {
  const { Hls, bench } = globalThis;
  const video = document.createElement('video');
  container.append(video);
  const hls = new Hls(config);
  hls.on(Hls.Events.ERROR, (_, { type, details, fatal }) => {
    if (fatal) bench.errors.push(`${type} ${details}`);
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => video.play().catch(error => bench.errors.push(String(error))));
  hls.loadSource(url);
  hls.attachMedia(video);
  return () => {
    hls.destroy();
    video.remove();
  };
}
