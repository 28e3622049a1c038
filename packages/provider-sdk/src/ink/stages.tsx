import {Box, render, Text} from 'ink';
import type {ReactElement} from 'react';
import type {LiveStages} from '../oclif/progress.js';
import type {ProgressEvent, StageEvent} from '../progress.js';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 120;

interface StagesProps {
  stages: readonly StageEvent[];
  /** The newest line of a build, shown under the running stage. */
  log: string | undefined;
  frame: number;
}

function Mark({state, frame}: {state: StageEvent['state']; frame: number}): ReactElement {
  if (state === 'done') return <Text color="green">✔</Text>;
  if (state === 'failed') return <Text color="red">✘</Text>;
  return <Text color="cyan">{FRAMES[frame % FRAMES.length]}</Text>;
}

/** The stages so far, one a line, the running one turning. */
export function Stages({stages, log, frame}: StagesProps): ReactElement {
  return (
    <Box flexDirection="column">
      {stages.map(stage => (
        <Box key={stage.id} columnGap={1}>
          <Mark state={stage.state} frame={frame} />
          <Text wrap="truncate-end">
            {stage.title}
            {stage.detail === undefined ? '' : <Text dimColor> {stage.detail}</Text>}
          </Text>
        </Box>
      ))}
      {log === undefined ? null : (
        <Text dimColor wrap="truncate-end">
          {'  '}
          {log}
        </Text>
      )}
    </Box>
  );
}

/** Opens a live region on `stream`. State lives here, not in React: the view only draws it. */
export function openStages(stream: NodeJS.WriteStream): LiveStages {
  const stages = new Map<string, StageEvent>();
  let log: string | undefined;
  let frame = 0;
  const view = (): ReactElement => <Stages stages={[...stages.values()]} log={log} frame={frame} />;
  const instance = render(view(), {stdout: stream, exitOnCtrlC: false, patchConsole: false});
  const timer = setInterval(() => {
    frame += 1;
    instance.rerender(view());
  }, FRAME_MS);
  timer.unref();
  return {
    update: (event: ProgressEvent): void => {
      if (event.kind === 'log') log = event.text;
      else {
        stages.set(event.id, event);
        log = undefined;
      }
      instance.rerender(view());
    },
    stop: (state): void => {
      clearInterval(timer);
      log = undefined;
      for (const stage of stages.values()) if (stage.state === 'running') stages.set(stage.id, {...stage, state});
      instance.rerender(view());
      instance.unmount();
    },
  };
}
