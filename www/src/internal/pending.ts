/** The promises of `load()` and `play()` that are not settled yet. */

/** What a promise waits for: the first picture or sound of the load, or that it plays. */
export type Milestone = 'started' | 'playing';

interface Waiter {
  milestone: Milestone;
  resolve(): void;
  reject(reason: unknown): void;
}

export class Pending {
  #waiters: Waiter[] = [];

  add(milestone: Milestone): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ milestone, resolve, reject }));
  }

  resolve(milestone: Milestone): void {
    for (const waiter of this.#remove(milestone)) waiter.resolve();
  }

  reject(reason: unknown, milestone?: Milestone): void {
    for (const waiter of this.#remove(milestone)) waiter.reject(reason);
  }

  /** Rejects as media elements do when something else was asked for meanwhile. */
  abort(why: string, milestone?: Milestone): void {
    if (this.#waiters.length > 0) this.reject(new DOMException(why, 'AbortError'), milestone);
  }

  #remove(milestone?: Milestone): Waiter[] {
    const all = this.#waiters;
    const matches = (waiter: Waiter) => milestone === undefined || waiter.milestone === milestone;
    this.#waiters = all.filter(waiter => !matches(waiter));
    return all.filter(matches);
  }
}
