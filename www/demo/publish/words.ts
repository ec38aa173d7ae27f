/** The publisher's events as rows of the log. */
import type { SailcastError } from 'sailcast/publisher';
import * as format from '../format.js';
import { isKey, language, t } from '../i18n.js';
import type { Level } from '../log.js';
import { zhAdvice } from '../strings.js';
import type { PublishEvent } from './broadcast.js';
import { words as warning } from './configuration.js';

export interface Words {
  detail: () => string;
  level: Level;
  /** Those that follow each other share a row. */
  coalesce: boolean;
}

/** Null: not worth a row. */
export function wordsOf(event: PublishEvent): Words | null {
  switch (event.name) {
    case 'stats':
    case 'devicechange':
      return null;
    case 'connecting':
      return notable(() => event.detail.urls.join(' '));
    case 'publishing':
      return notable(() => event.detail.url);
    case 'statechange':
      return plain(() => `${event.detail.previous} → ${event.detail.state}`);
    case 'bitratechange': {
      const { from, to, reason } = event.detail;
      return plain(() => `${format.bitrate(from)} → ${format.bitrate(to)}, ${word('reason', reason)}`);
    }
    case 'videochange': {
      const { side, fps } = event.detail;
      return notable(() => `${side}P, ${fps} fps`);
    }
    case 'framedrop': {
      const { count, reason } = event.detail;
      return plain(() => `${count}, ${word('reason', reason)}`);
    }
    case 'congestion': {
      const { congested, queue } = event.detail;
      return notable(() => t(congested ? 'logCongested' : 'logFree', { time: format.seconds(queue) }));
    }
    case 'reconnecting': {
      const { attempt, delay, reason } = event.detail;
      return notable(() => t('logReconnecting', { attempt, reason, time: format.seconds(delay) }));
    }
    case 'devicelost': {
      const { kind, muted, label } = event.detail;
      return notable(() => `${word('kind', kind)}, ${t(muted ? 'logMutedSource' : 'logGone')}: ${label}`);
    }
    case 'devicerecovered':
      return notable(() => `${word('kind', event.detail.kind)}: ${event.detail.label}`);
    case 'degraded':
      return notable(() => `${word('degraded', event.detail.what)}: ${event.detail.message}`);
    case 'configchange':
      return plain(() => event.detail.changed.join(', '));
    case 'configwarning':
      return notable(() => warning(event.detail));
    case 'error':
      return {
        detail: () => errorWords(event.detail),
        level: event.detail.fatal ? 'error' : 'notable',
        coalesce: false,
      };
    case 'ready':
    case 'ended':
      return notable(() => '');
  }
}

/** What happened, its code, and in Chinese what to do about it: the message says that in English. */
export function errorWords({ code, details, message }: SailcastError): string {
  const advice = language() === 'zh' ? ` ${zhAdvice[details] ?? ''}` : '';
  return `${code} ${details}: ${message}${advice}`.trimEnd();
}

/** Beside the controls, of what did not work while the rest goes on. */
export function problemWords(error: SailcastError): string {
  const { title, text } = failureWords(error);
  return language() === 'zh' ? `${title}：${text}` : error.message;
}

/** For the overlay of a failure. */
export function failureWords({
  type,
  details,
  code,
  message,
}: SailcastError): Record<'title' | 'text' | 'code', string> {
  const key = `error.${details}`;
  return {
    title: t(isKey(key) ? key : 'publishErrorTitle'),
    text: (language() === 'zh' ? zhAdvice[details] : undefined) ?? message,
    code: `${type} / ${details} / ${code}`,
  };
}

/** A word of the publisher's in the language of the page, where there is one. */
function word(list: 'reason' | 'kind' | 'degraded', name: string): string {
  const key = `${list}.${name}`;
  return isKey(key) ? t(key) : name;
}

function plain(detail: () => string): Words {
  return { detail, level: 'plain', coalesce: true };
}

function notable(detail: () => string): Words {
  return { detail, level: 'notable', coalesce: false };
}
