import {Box, Text} from 'ink';
import type {CostView, ListedResource, ListView, Terminal} from '../contract.js';
import {draw} from './draw.js';
import {drawTable, type TableColumn} from './table.js';

const STATUS_COLORS: Readonly<Record<string, string>> = {
  deployed: 'green',
  ready: 'green',
  stopped: 'yellow',
  'stopping...': 'yellow',
};

/** A day and a time to the minute: what fits in a column and sorts. */
function shortTime(time: string): string {
  return time.replace(/^(\S+)T(\d\d:\d\d)\S*Z$/, '$1 $2Z');
}

const COLUMNS: readonly TableColumn<ListedResource>[] = [
  {title: 'ID', value: ({id}) => id, fixed: true},
  {title: 'Name', value: ({name}) => name},
  {title: 'Status', value: ({status}) => status, color: ({status}) => STATUS_COLORS[status], fixed: true},
  {title: 'App', value: ({app}) => app ?? '-'},
  {title: 'Created At', value: ({createdAt}) => shortTime(createdAt), fixed: true},
];

/** The list of any provider. */
export async function drawList(view: ListView, terminal: Terminal): Promise<string> {
  return drawTable(view.title, COLUMNS, view.resources, terminal);
}

/** The costs of any provider: a block a resource, then the total. */
export async function drawCost(view: CostView, terminal: Terminal): Promise<string> {
  const labels = [...view.blocks.flatMap(({lines}) => lines), ...view.total].map(({label}) => label.length);
  const width = Math.max(0, ...labels) + 4;
  const line = ({label, value}: {label: string; value: string}, bold: boolean) => (
    <Box key={label}>
      <Box width={bold ? width : width - 2}>
        <Text dimColor={!bold}>{label}</Text>
      </Box>
      <Text bold={bold}>{value}</Text>
    </Box>
  );
  return draw(
    <Box flexDirection="column" rowGap={1}>
      <Text bold>Estimated cost on {view.provider}, always on</Text>
      {view.blocks.map(block => (
        <Box key={`${block.type} ${block.resource}`} flexDirection="column">
          <Text>
            <Text color="cyan">{block.resource}</Text> ({block.type})
          </Text>
          <Box flexDirection="column" paddingLeft={2}>
            {block.lines.map(entry => line(entry, false))}
            {block.problem === undefined ? null : <Text color="red">Price unknown: {block.problem}</Text>}
          </Box>
        </Box>
      ))}
      <Box flexDirection="column">{view.total.map(entry => line(entry, true))}</Box>
      <Text dimColor>{view.source}</Text>
    </Box>,
    terminal,
  );
}
