/**
 * What a page with players holds on to, after all garbage was thrown away: memory of the page, its workers and the browser's
 * processes, and how many of what must be closed by hand.
 *
 * Objects are not looked for in the workers' heaps (`Runtime.queryObjects`): that crashes Chromium 156. Decoders are noted
 * where they are made, pictures that are not closed show in the processes' memory: each is a megabyte.
 */
import { readFileSync } from 'node:fs';
import type { CDPSession, Page } from '@playwright/test';
import { contexts } from './sound.js';

/** Memory in MiB. */
export interface Census {
  /** JavaScript's heap of the page, and of all workers and worklets. */
  page: number;
  workers: number;
  /** All processes of the browser, without the files that they map. */
  processes: number;
  /** Dedicated workers; sound outputs and decoders that are not closed. */
  count: { workers: number; contexts: number; decoders: number };
}

interface Answer {
  id: number;
  result?: unknown;
}

type Call = (method: string, params?: object) => Promise<unknown>;

const MIB = 1024 * 1024;

export class Leaks {
  readonly #page: Page;
  readonly #session: CDPSession;
  readonly #browser: CDPSession;
  /** DevTools sessions of workers and worklets. */
  readonly #inside = new Set<string>();
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #next = 1;

  private constructor(page: Page, session: CDPSession, browser: CDPSession) {
    this.#page = page;
    this.#session = session;
    this.#browser = browser;
  }

  /** Call before the page is opened. */
  static async of(page: Page): Promise<Leaks> {
    const browser = page.context().browser();
    if (!browser) throw new Error('the page has no browser of its own');
    await page.addInitScript(startWorkersWith, `(${noteDecoders})()`);
    const session = await page.context().newCDPSession(page);
    const leaks = new Leaks(page, session, await browser.newBrowserCDPSession());
    session.on('Target.attachedToTarget', ({ sessionId }) => leaks.#inside.add(sessionId));
    session.on('Target.detachedFromTarget', ({ sessionId }) => {
      leaks.#inside.delete(sessionId);
      for (const give of leaks.#waiting.values()) give(undefined);
    });
    session.on('Target.receivedMessageFromTarget', ({ message }) => {
      const { id, result } = JSON.parse(message) as Answer;
      leaks.#waiting.get(id)?.(result);
      leaks.#waiting.delete(id);
    });
    // Playwright's sessions cannot speak to those of another one, so it is the older kind, with messages inside of messages.
    await session.send('Target.setAutoAttach', {
      autoAttach: true,
      waitForDebuggerOnStart: false,
      flatten: false,
    });
    return leaks;
  }

  async look(): Promise<Census> {
    const page = await heap((method, params) =>
      this.#session.send(method as 'Runtime.enable', params as object),
    );
    let workers = 0;
    for (const session of [...this.#inside])
      workers += await heap((method, params = {}) => this.#ask(session, method, params));
    const { processInfo } = await this.#browser.send('SystemInfo.getProcessInfo');
    const processes = processInfo.map(({ id }) => resident(id)).reduce((sum, one) => sum + one, 0);
    return { page, workers, processes, count: await this.#count() };
  }

  async #count(): Promise<Census['count']> {
    const open = await Promise.all(
      this.#page.workers().map(worker =>
        worker.evaluate(() => {
          const { decoders } = globalThis as unknown as { decoders: VideoDecoder[] };
          return decoders.filter(decoder => decoder.state !== 'closed').length;
        }),
      ),
    );
    return {
      workers: open.length,
      contexts: (await contexts(this.#page)).filter(state => state !== 'closed').length,
      decoders: open.reduce((sum, one) => sum + one, 0),
    };
  }

  #ask(sessionId: string, method: string, params: object): Promise<unknown> {
    const id = this.#next++;
    const answer = new Promise(resolve => this.#waiting.set(id, resolve));
    const message = JSON.stringify({ id, method, params });
    this.#session
      .send('Target.sendMessageToTarget', { sessionId, message })
      // A worker that is gone has nothing to say.
      .catch(() => this.#waiting.get(id)?.(undefined));
    return answer;
  }
}

/** Runs in the page before its own scripts: has every worker run `code` before its own. */
function startWorkersWith(code: string) {
  const first = `data:text/javascript,${encodeURIComponent(code)}`;
  const Native = globalThis.Worker;
  globalThis.Worker = class extends Native {
    constructor(script: string | URL, options?: WorkerOptions) {
      const both = [first, new URL(script, location.href).href].map(url => `import ${JSON.stringify(url)};`);
      super(URL.createObjectURL(new Blob(both, { type: 'text/javascript' })), options);
    }
  };
}

/** Runs in the worker before its own script. */
function noteDecoders() {
  const scope = globalThis as unknown as Record<string, unknown> & { decoders: unknown[] };
  scope.decoders = [];
  for (const name of ['VideoDecoder', 'AudioDecoder']) {
    const Native = scope[name] as new (init: unknown) => object;
    scope[name] = class extends Native {
      constructor(init: unknown) {
        super(init);
        scope.decoders.push(this);
      }
    };
  }
}

async function heap(call: Call): Promise<number> {
  await call('HeapProfiler.collectGarbage');
  const usage = (await call('Runtime.getHeapUsage')) as { usedSize: number } | undefined;
  return (usage?.usedSize ?? 0) / MIB;
}

/** MiB of its own, and its part of what is shared. Not of files: the kernel drops and reads those again as it likes. */
function resident(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    return (kib('Pss_Anon') + kib('Pss_Shmem') + kib('SwapPss')) / 1024;
  } catch {
    // It ended meanwhile.
    return 0;
  }
}

/** By how much values grow from the first time to the last, along the line through them: one odd value moves it little. */
export function growth(samples: readonly { at: number; value: number }[]): number {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || samples.length < 2) return 0;
  const mean = (of: (sample: { at: number; value: number }) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [at, value] = [mean(sample => sample.at), mean(sample => sample.value)];
  const spread = mean(sample => (sample.at - at) ** 2);
  return ((last.at - first.at) * mean(sample => (sample.at - at) * (sample.value - value))) / spread;
}
