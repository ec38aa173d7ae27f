/** One page with players on it, driven from a test. */
import { expect, type Page } from '@playwright/test';
import type * as Sailcast from '../../../dist/index.js';
import { listen } from './sound.js';

/** An event as page/page.js wrote it down. */
export interface Logged {
  name: string;
  player: number;
  /** Milliseconds since 1970. */
  at: number;
  // biome-ignore lint/suspicious/noExplicitAny: each event's own detail, as JSON
  detail: any;
}

export interface LoggedError {
  type: string;
  details: string;
  code: number;
  fatal: boolean;
  message: string;
  isError: boolean;
}

export type Options = Omit<Sailcast.PlayerOptions, 'container'> & { container?: string };

/** What page/page.js puts on the page's global object. */
interface PageStage {
  sailcast: typeof Sailcast;
  players: Sailcast.Player[];
  events: Logged[];
  make(options: Options): number;
  watch(target: EventTarget, index: number): void;
}

declare global {
  var stage: PageStage;
}

export class Stage {
  /** Console errors and uncaught exceptions, in order. */
  readonly complaints: string[] = [];
  #expected: RegExp[] = [];

  constructor(
    readonly page: Page,
    readonly pages: { plain: string; isolated: string },
  ) {
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    page.on('pageerror', error => this.complaints.push(`uncaught: ${error.stack ?? error.message}`));
  }

  /** Opens the page; `isolated`: cross-origin isolated. */
  async open({ isolated = false } = {}): Promise<void> {
    await listen(this.page);
    await this.page.goto(isolated ? this.pages.isolated : this.pages.plain);
    await this.page.waitForFunction(() => globalThis.stage !== undefined);
    expect(await this.page.evaluate(() => globalThis.crossOriginIsolated)).toBe(isolated);
  }

  /** The browser itself reports failed requests on the console: these are no complaints. */
  allow(pattern: RegExp): void {
    this.#expected.push(pattern);
  }

  unexpected(): string[] {
    return this.complaints.filter(text => !this.#expected.some(pattern => pattern.test(text)));
  }

  /** Makes a player that begins at once; its number. */
  play(source: string | readonly Sailcast.RenditionSource[], options: Options = {}): Promise<number> {
    const given = typeof source === 'string' ? { url: source } : { renditions: source };
    return this.page.evaluate(o => globalThis.stage.make(o), { ...given, autoplay: true, ...options });
  }

  /** Calls `load()` without waiting for its outcome. */
  async load(source: string | Sailcast.Source, player = 0): Promise<void> {
    await this.page.evaluate(
      ({ source, player }) => {
        globalThis.stage.players[player]?.load(source).catch(() => {});
      },
      { source, player },
    );
  }

  stats(player = 0): Promise<Sailcast.PlayerSnapshot> {
    return this.page.evaluate(i => {
      const one = globalThis.stage.players[i];
      if (!one) throw new Error(`no player ${i}`);
      return one.stats();
    }, player);
  }

  /** Events so far, of one name or of all. */
  events(name?: string): Promise<Logged[]> {
    return this.page.evaluate(
      n => globalThis.stage.events.filter(e => n === undefined || e.name === n),
      name,
    );
  }

  /** Waits for the `count`th event of this name. */
  async event(name: string, { count = 1, seconds = 10 } = {}): Promise<Logged> {
    await expect
      .poll(async () => (await this.events(name)).length, {
        message: `event ${name}, number ${count}`,
        timeout: seconds * 1000,
        intervals: [50, 100],
      })
      .toBeGreaterThanOrEqual(count)
      .catch(async error => {
        const story = (await this.events()).map(e => `${e.name} ${JSON.stringify(e.detail)}`).join('\n');
        throw new Error(`${error.message}\nevents:\n${story}\nconsole:\n${this.complaints.join('\n')}`);
      });
    const found = (await this.events(name))[count - 1];
    if (!found) throw new Error(`event ${name} is gone`);
    return found;
  }

  /** Stops the oldest worker as a trap does: its script hears of an error that it did not expect. */
  async crashWorker(): Promise<void> {
    const [worker] = this.page.workers();
    await worker?.evaluate(() => {
      setTimeout(() => {
        throw new Error('boom');
      });
    });
  }

  async wait(seconds: number): Promise<void> {
    await this.page.waitForTimeout(seconds * 1000);
  }

  /** Keeps the page's thread busy `block` of every `period` ms, for `seconds`. */
  blockPage(block: number, period: number, seconds: number): Promise<void> {
    return this.page.evaluate(
      ({ block, period, end }) =>
        new Promise<void>(resolve => {
          const until = performance.now() + end;
          const turn = () => {
            const start = performance.now();
            if (start >= until) return resolve();
            while (performance.now() - start < block);
            setTimeout(turn, period - block);
          };
          turn();
        }),
      { block, period, end: seconds * 1000 },
    );
  }
}

/** Does something with the first player. */
export function act<T>(
  stage: Stage,
  what: (player: Sailcast.Player, value: number) => T,
  value = 0,
): Promise<Awaited<T>> {
  return stage.page.evaluate(
    ({ what, value }) =>
      new Function('player', 'value', `return (${what})(player, value)`)(globalThis.stage.players[0], value),
    { what: `${what}`, value },
  );
}
