/** Ours, from dist/ as a page without a bundler takes it. */
export const settings = {
  '': {},
  canvas: { renderer: 'canvas' },
  near: { latency: 0.15 },
  far: { latency: 0.8 },
  muted: { muted: true },
};

let Player;

export async function load() {
  ({ Player } = await import('/dist/index.js'));
}

export function play(container, url, options) {
  const player = new Player({ container, url, ...options });
  player.addEventListener('error', event => globalThis.bench.errors.push(event.detail.message));
  player.play().catch(error => globalThis.bench.errors.push(String(error)));
  globalThis.player = player;
  return () => player.destroy();
}
