/**
 * One measurement of one player: a browser of its own, the live clock, and what cases/*.mjs need of both.
 *
 * Which moment of the GOP a viewer comes in at is the repetition's, the same for every player.
 */
import { launch } from './browser.mjs';
import { Cast } from './cast.mjs';
import { smoothness, staysUnder } from './figures.mjs';
import { machineBusy } from './process.mjs';

export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Milliseconds after a keyframe at which viewers come, by repetition. */
export const PHASES = [400, 1000, 1600, 700, 1300];

export class Session {
  #browser;
  #server;
  #player;
  #phase;
  #pages = [];
  #errors = [];

  /** `player` is `{ name, settings }`. */
  static async start(server, player, repetition) {
    const session = new Session();
    session.#server = server;
    session.#player = player;
    session.#phase = PHASES[repetition % PHASES.length];
    session.#browser = await launch();
    return session;
  }

  get pid() {
    return this.#browser.pid;
  }

  get version() {
    return this.#browser.version;
  }

  /** Messages of all pages so far. */
  async errors() {
    for (const page of this.#pages)
      this.#errors.push(...(await page.evaluate(() => globalThis.bench.errors)));
    return this.#errors;
  }

  async open() {
    const page = await this.#browser.open(this.#server.page, this.#player.name);
    this.#pages.push(page);
    return page;
  }

  /** Starts so many players, each with a network of its own. Returns the moment of the click. */
  async play(page, network, players = 1) {
    const urls = await Promise.all(Array.from({ length: players }, () => this.#server.stream(network)));
    this.#server.live.restart(this.#phase);
    return page.evaluate(
      ([urls, settings]) => globalThis.bench.play(urls, settings),
      [urls, this.#player.settings],
    );
  }

  /** Nothing passes the viewers' networks for so long. */
  outage(ms) {
    this.#server.outage(ms);
  }

  /** When the player asked for the stream. */
  get askedAt() {
    return this.#server.live.askedAt;
  }

  cast(page, players) {
    return Cast.start(page, players);
  }

  smoothness(shown, from, to) {
    return smoothness(shown, from, to, this.#takenAt);
  }

  staysUnder(shown, limit, from, to) {
    return staysUnder(shown, limit, from, to, this.#takenAt);
  }

  #takenAt = (number, at) => this.#server.live.takenAt(number, at);

  async leave(page) {
    await this.errors();
    this.#pages.splice(this.#pages.indexOf(page), 1);
    await page.evaluate(() => globalThis.bench.end());
    await page.close();
  }

  close() {
    return this.#browser.close();
  }
}

/** Waits until other work leaves the machine alone, but not for ever. */
export async function calm(cores, seconds) {
  for (const until = Date.now() + seconds * 1000; Date.now() < until; ) {
    const before = machineBusy();
    const begin = Date.now();
    await sleep(500);
    const busy = (machineBusy() - before) / ((Date.now() - begin) / 1000);
    if (busy < cores * 0.3) return;
  }
}
