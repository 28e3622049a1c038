import {Box, Text} from 'ink';
import type {ReactNode} from 'react';
import type {Terminal} from '../contract.js';
import {draw} from './draw.js';

export interface TableColumn<Row> {
  title: string;
  value(row: Row): string;
  color?(row: Row): string | undefined;
  /** A column that keeps its width when the terminal is narrow. */
  fixed?: boolean;
}

const GAP = 2;

/**
 * Widths that fit: every column gets what it needs; where that is too much, the widest give way first.
 *
 * Values are cut in the middle, so that the ends, which tell ids apart, stay.
 */
function fitWidths(wanted: number[], fixed: boolean[], columns: number): number[] {
  const widths = [...wanted];
  const total = (): number => widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1);
  while (total() > columns) {
    const widest = widths.reduce((best, width, i) => (!fixed[i] && (best < 0 || width > widths[best]!) ? i : best), -1);
    if (widest < 0 || widths[widest]! <= 6) break;
    widths[widest]! -= 1;
  }
  return widths;
}

/** Where a table does not fit: a block a row, a line a column. */
function drawBlocks<Row>(
  title: string,
  columns: readonly TableColumn<Row>[],
  rows: readonly Row[],
  terminal: Terminal,
): string {
  const width = Math.max(...columns.map(column => column.title.length)) + GAP;
  return draw(
    <Box flexDirection="column" rowGap={1}>
      <Text bold>{title}</Text>
      {rows.map((row, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows are drawn once
        <Box key={i} flexDirection="column">
          {columns.map(column => {
            const color = column.color?.(row);
            return (
              <Box key={column.title}>
                <Box width={width} flexShrink={0}>
                  <Text dimColor>{column.title}</Text>
                </Box>
                <Text wrap="truncate-middle" {...(color === undefined ? {} : {color})}>
                  {column.value(row)}
                </Text>
              </Box>
            );
          })}
        </Box>
      ))}
    </Box>,
    terminal,
  );
}

/** A table without borders, as wide as it needs to be and no wider than the terminal. */
export function drawTable<Row>(
  title: string,
  columns: readonly TableColumn<Row>[],
  rows: readonly Row[],
  terminal: Terminal,
): string {
  const widths = fitWidths(
    columns.map(column => Math.max(column.title.length, ...rows.map(row => column.value(row).length))),
    columns.map(column => column.fixed ?? false),
    terminal.columns,
  );
  const needed = widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1);
  if (needed > terminal.columns) return drawBlocks(title, columns, rows, terminal);
  const line = (key: string, cell: (column: TableColumn<Row>) => ReactNode): ReactNode => (
    <Box key={key} columnGap={GAP}>
      {columns.map((column, i) => (
        <Box key={column.title} width={widths[i]!} flexShrink={0}>
          {cell(column)}
        </Box>
      ))}
    </Box>
  );
  return draw(
    <Box flexDirection="column">
      <Text bold>{title}</Text>
      {line('head', column => (
        <Text dimColor>{column.title}</Text>
      ))}
      {rows.map((row, i) =>
        line(String(i), column => {
          const color = column.color?.(row);
          return (
            <Text wrap="truncate-middle" {...(color === undefined ? {} : {color})}>
              {column.value(row)}
            </Text>
          );
        }),
      )}
    </Box>,
    terminal,
  );
}
