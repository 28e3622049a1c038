import type {ProgressEvent, ProgressSink, StageEvent} from '../progress.js';

export interface Reporter {
  report: ProgressSink;
  /** Leaves the last state standing and gives the terminal back; what still runs ends so. Safe to call twice. */
  stop(state?: 'done' | 'failed'): Promise<void>;
}

export interface ReporterOptions {
  json: boolean;
  /** Draw a live region instead of lines. */
  live: boolean;
  stream: NodeJS.WriteStream;
}

/** What `#ink` offers in every package that carries this SDK. */
export interface LiveStages {
  update(event: ProgressEvent): void;
  /** Ends the drawing; stages that still run are drawn as `state`. */
  stop(state: 'done' | 'failed'): void;
}

/** Shows progress: nothing under `--json`, an Ink view on a terminal, a line for each finished stage elsewhere. */
export function createReporter(options: ReporterOptions): Reporter {
  if (options.json) return {report: () => undefined, stop: async () => undefined};
  return options.live ? liveReporter(options.stream) : plainReporter(options.stream);
}

/** One line when a stage begins and one when it ends, never the same line twice: logs of CI stay short. */
function plainReporter(stream: NodeJS.WriteStream): Reporter {
  const said = new Set<string>();
  const line = (event: StageEvent): string => {
    if (event.state === 'running') return `${event.title} ...`;
    const detail = event.detail === undefined ? '' : ` (${event.detail})`;
    return `${event.title}${detail}: ${event.state}`;
  };
  return {
    report: event => {
      if (event.kind !== 'stage') return;
      const key = `${event.id} ${event.state}`;
      if (said.has(key)) return;
      said.add(key);
      stream.write(`${line(event)}\n`);
    },
    stop: async () => undefined,
  };
}

/** Ink is imported at the first event; what comes before it is drawn is kept and drawn then. */
function liveReporter(stream: NodeJS.WriteStream): Reporter {
  const waiting: ProgressEvent[] = [];
  let view: LiveStages | undefined;
  let opening: Promise<void> | undefined;
  let stopped = false;
  const open = async (): Promise<void> => {
    const ink = (await import('#ink')) as {openStages(stream: NodeJS.WriteStream): LiveStages};
    view = ink.openStages(stream);
    for (const event of waiting.splice(0)) view.update(event);
  };
  return {
    report: event => {
      if (stopped) return;
      if (view === undefined) waiting.push(event);
      else view.update(event);
      opening ??= open();
    },
    stop: async (state = 'done') => {
      stopped = true;
      await opening;
      view?.stop(state);
      view = undefined;
    },
  };
}
