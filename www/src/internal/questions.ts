/** Questions of one kind to the worker that are not answered yet. */

/** A worker that has not answered in this time is busy or dead, ms. */
const ANSWER_WITHIN = 1000;

export class Questions<Answer> {
  #last = 0;
  #open = new Map<number, (answer: Answer | null) => void>();

  /** Null when no answer comes. */
  ask(send: (request: number) => void): Promise<Answer | null> {
    const request = ++this.#last;
    return new Promise(resolve => {
      const timer = setTimeout(() => this.answer(request, null), ANSWER_WITHIN);
      this.#open.set(request, answer => {
        clearTimeout(timer);
        resolve(answer);
      });
      send(request);
    });
  }

  answer(request: number, answer: Answer | null): void {
    this.#open.get(request)?.(answer);
    this.#open.delete(request);
  }
}
