/** A publisher, and everything it says in one place. */
import { Publisher, type PublisherEventMap, type PublisherOptions } from 'sailcast/publisher';

export type PublishEvent = {
  [K in keyof PublisherEventMap]: { name: K; detail: PublisherEventMap[K]['detail'] };
}[keyof PublisherEventMap];

const EVENTS = [
  'ready',
  'connecting',
  'publishing',
  'bitratechange',
  'videochange',
  'framedrop',
  'congestion',
  'reconnecting',
  'devicelost',
  'devicerecovered',
  'devicechange',
  'degraded',
  'configchange',
  'configwarning',
  'error',
  'ended',
  'statechange',
  'stats',
] as const satisfies readonly (keyof PublisherEventMap)[];

export function makePublisher(options: PublisherOptions, onEvent: (event: PublishEvent) => void): Publisher {
  const publisher = new Publisher(options);
  for (const name of EVENTS) {
    publisher.addEventListener(name, event => onEvent({ name, detail: event.detail } as PublishEvent));
  }
  return publisher;
}
