/** Whether a stream is there, asked as a player asks: node-media-server answers 200 for any name and sends nothing. */
import { until } from './process.js';

/** Resolves when a player of this address gets media: more than a header and script data. */
export async function flows(url: string, seconds = 15): Promise<void> {
  const ENOUGH = 4096;
  await until(
    `${url} has data`,
    async () => {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), 3000);
      try {
        const response = await fetch(url, { signal: abort.signal });
        if (!response.ok || !response.body) return false;
        let bytes = 0;
        for await (const chunk of response.body) {
          bytes += chunk.length;
          if (bytes >= ENOUGH) return true;
        }
        return false;
      } finally {
        clearTimeout(timer);
        abort.abort();
      }
    },
    seconds,
  );
}
