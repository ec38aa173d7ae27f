/** A worker whose timer goes on at its pace while the page is hidden. Told an interval in milliseconds, it answers each time. */

let timer: ReturnType<typeof setInterval> | undefined;

addEventListener('message', ({ data }: MessageEvent<number>) => {
  clearInterval(timer);
  timer = setInterval(() => postMessage(null), data);
});
