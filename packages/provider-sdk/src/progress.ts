/** A step of long work. The same `id` may come again, with another state or message. */
export interface StageEvent {
  kind: 'stage';
  id: string;
  title: string;
  state: 'running' | 'done' | 'failed';
  /** A short fact beside the title: `12 files, 40 kB`. */
  detail?: string;
}

/** A line from a build or an install: for a terminal's live region and for `DEBUG`, not for CI logs. */
export interface LogEvent {
  kind: 'log';
  id: string;
  text: string;
}

export type ProgressEvent = StageEvent | LogEvent;

/** Where progress goes. Never throws, never waits. */
export type ProgressSink = (event: ProgressEvent) => void;
