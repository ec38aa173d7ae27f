/** The browser's own `<video>`, with no library. */
export const settings = { '': {} };

export async function load() {}

export function play(container, url) {
  const video = document.createElement('video');
  container.append(video);
  video.src = url;
  video.play().catch(error => globalThis.bench.errors.push(String(error)));
  return () => {
    video.removeAttribute('src');
    video.load();
    video.remove();
  };
}
