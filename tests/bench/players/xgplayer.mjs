/** xgplayer with its FLV plugin, from the files made for pages without a bundler, without controls. */
export const settings = {
  /** As low as its options are meant for: it seeks to the target when the latency is above the maximum. */
  '': { isLive: true, targetLatency: 0.8, maxLatency: 1.5, preloadTime: 1 },
  default: { isLive: true },
};

export async function load() {
  const style = document.createElement('link');
  Object.assign(style, { rel: 'stylesheet', href: '/modules/xgplayer/dist/index.min.css' });
  document.head.append(style);
  await globalThis.bench.script('/modules/xgplayer/dist/index.min.js');
  await globalThis.bench.script('/modules/xgplayer-flv/dist/index.min.js');
}

export function play(container, url, flv) {
  const { Player, FlvPlayer, bench } = globalThis;
  const el = document.createElement('div');
  container.append(el);
  const player = new Player({
    ...{ el, url, flv, isLive: true, autoplay: true, controls: false, width: '100%', height: '100%' },
    plugins: [FlvPlayer],
    ignores: ['poster', 'start', 'loading', 'enter', 'replay'],
  });
  player.on('error', error => bench.errors.push(String(error?.message ?? error)));
  return () => {
    player.destroy();
    el.remove();
  };
}
