/** One page that publishes, driven from a test. */
import { type BrowserContext, expect, type Page } from '@playwright/test';
import type * as Publishing from '../../../dist/publisher/index.js';
import { deviceFlags } from '../../fixtures/devices.mjs';
import { AUTOPLAY, EXECUTABLE, FLAGS } from '../playwright.config.js';
import { watchDevices } from './truth.js';

/** An event as page/publish.js wrote it down. */
export interface Told {
  name: string;
  /** Milliseconds since 1970. */
  at: number;
  // biome-ignore lint/suspicious/noExplicitAny: each event's own detail, as JSON
  detail: any;
}

/** Figures, and when the page got them. */
export type Figures = Publishing.PublisherStats & { at: number };

/** What page/publish.js puts on the page's global object. */
export interface PageStudio {
  publisher: Publishing.Publisher;
  events: Told[];
  stats: [at: number, stats: Publishing.PublisherStats][];
  make(options: Publishing.PublisherOptions): void;
  clockTrack(period?: number): MediaStream;
  runClock(period?: number): void;
  drawn: number[];
  canvas: HTMLCanvasElement;
  call(): Promise<MediaStream>;
  hold(held: boolean): Promise<void>;
}

declare global {
  var studio: PageStudio;
}

/** The microphone as it is: what makes speech better does as it likes with beeps. */
export const MICROPHONE: Publishing.MicrophoneSource = {
  kind: 'microphone',
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
};

/** For `test.use()`: a browser with the fake devices. */
export function withDevices(...more: string[]) {
  const args = [...FLAGS, AUTOPLAY, ...deviceFlags(), ...more];
  return { launchOptions: { executablePath: EXECUTABLE, args, ignoreDefaultArgs: ['--mute-audio'] } };
}

export class Studio {
  /** Console errors and uncaught exceptions, in order. */
  readonly complaints: string[] = [];
  #expected: RegExp[] = [];

  private constructor(readonly page: Page) {
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    page.on('pageerror', error => this.complaints.push(`uncaught: ${error.stack ?? error.message}`));
  }

  /** On a page of its own. `base`: where the pages are. */
  static async open(context: BrowserContext, base: string): Promise<Studio> {
    const studio = new Studio(await context.newPage());
    await watchDevices(studio.page);
    await studio.page.goto(`${base}publish.html`);
    await studio.page.waitForFunction(() => globalThis.studio !== undefined);
    return studio;
  }

  /** The browser itself reports failed connections on the console: these are no complaints. */
  allow(pattern: RegExp): void {
    this.#expected.push(pattern);
  }

  unexpected(): string[] {
    return this.complaints.filter(text => !this.#expected.some(pattern => pattern.test(text)));
  }

  /** Publishes camera and microphone, or what the options say, until media goes out. */
  async publish(url: string | string[], options: Publishing.PublisherOptions = {}): Promise<void> {
    // As plain data: the types of what may stand in it are too deep for Playwright's.
    const plain: object = { audio: MICROPHONE, ...options };
    await this.page.evaluate(
      async ([url, options]) => {
        globalThis.studio.make(options);
        await globalThis.studio.publisher.start(url);
      },
      [url, plain] as const,
    );
  }

  /** Kills the process that has the cameras: to the page, each is unplugged. The next one to be opened starts it again. */
  async killCameras(): Promise<void> {
    const cdp = await this.page.context().browser()?.newBrowserCDPSession();
    const { processInfo = [] } = (await cdp?.send('SystemInfo.getProcessInfo')) ?? {};
    for (const { type, id } of processInfo) if (/video_?capture/i.test(type)) process.kill(id, 'SIGKILL');
    await cdp?.detach();
  }

  setConfig(config: Publishing.ConfigLayer): Promise<Publishing.PublishConfig> {
    return this.page.evaluate(config => globalThis.studio.publisher.setConfig(config), config);
  }

  stop(): Promise<void> {
    return this.page.evaluate(() => globalThis.studio.publisher.stop());
  }

  stats(): Promise<Publishing.PublisherStats> {
    return this.page.evaluate(() => globalThis.studio.publisher.stats());
  }

  /** All figures since `from`, ms since 1970, four a second. */
  async history(from = 0): Promise<Figures[]> {
    const all = await this.page.evaluate(() => globalThis.studio.stats);
    return all.map(([at, stats]) => ({ ...stats, at })).filter(({ at }) => at >= from);
  }

  /** Events so far, of one name or of all. */
  events(name?: string): Promise<Told[]> {
    return this.page.evaluate(
      n => globalThis.studio.events.filter(e => n === undefined || e.name === n),
      name,
    );
  }

  /** Waits for the `count`th event of this name. */
  async event(name: string, { count = 1, seconds = 10 } = {}): Promise<Told> {
    await expect
      .poll(async () => (await this.events(name)).length, {
        message: `event ${name}, number ${count}`,
        timeout: seconds * 1000,
        intervals: [50, 100],
      })
      .toBeGreaterThanOrEqual(count)
      .catch(async error => {
        throw new Error(`${error.message}\n${await this.story()}`);
      });
    const found = (await this.events(name))[count - 1];
    if (!found) throw new Error(`event ${name} is gone`);
    return found;
  }

  /** All that happened, for the message of a failed test. */
  async story(): Promise<string> {
    const events = (await this.events()).map(e => `${e.at.toFixed(0)} ${e.name} ${JSON.stringify(e.detail)}`);
    return ['events:', ...events, 'console:', ...this.complaints].join('\n');
  }

  async wait(seconds: number): Promise<void> {
    await this.page.waitForTimeout(seconds * 1000);
  }
}
