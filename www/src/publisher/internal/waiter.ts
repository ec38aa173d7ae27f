/** A promise that somebody else settles, and for whose failure nobody has to wait: the events tell it too. */
export interface Waiter {
  promise: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}

export function waiter(): Waiter {
  let settle = {} as Omit<Waiter, 'promise'>;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => {});
  return { promise, ...settle };
}
