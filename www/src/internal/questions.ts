/** Questions of one kind to the worker that are not answered yet. */

import type { Picture } from './protocol.js';

/** A worker that has not answered in this time is busy or dead, ms. */
const ANSWER_WITHIN = 1000;

export class Questions<Answer> {
  #last = 0;
  #open = new Map<number, (answer: Answer | null) => void>();
  readonly #tooLate: (answer: Answer) => void;

  /** `tooLate` lets go of an answer that nobody waits for any more. */
  constructor(tooLate: (answer: Answer) => void = () => {}) {
    this.#tooLate = tooLate;
  }

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
    const asked = this.#open.get(request);
    this.#open.delete(request);
    if (asked) asked(answer);
    else if (answer !== null) this.#tooLate(answer);
  }
}

/** A `VideoFrame` holds a picture of the decoder's. */
export function closePicture(picture: Picture): void {
  if ('close' in picture) picture.close();
}
