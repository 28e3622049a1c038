import type {CostView, ListedResource, ListView} from '@cloudctl/provider-sdk';

/** Title and value of each column of a list, in the order of every list. */
export const LIST_COLUMNS: readonly {title: string; value(resource: ListedResource): string}[] = [
  {title: 'ID', value: ({id}) => id},
  {title: 'Name', value: ({name}) => name},
  {title: 'Status', value: ({status}) => status},
  {title: 'App', value: ({app}) => app ?? '-'},
  {title: 'Created At', value: ({createdAt}) => createdAt},
];

/** A list as aligned columns without control codes. */
export function plainList(view: ListView): string {
  if (view.resources.length === 0) return view.empty;
  return plainTable(
    LIST_COLUMNS.map(({title}) => title),
    view.resources.map(resource => LIST_COLUMNS.map(({value}) => value(resource))),
  );
}

/** Costs as one fact a line, blocks apart by an empty line. */
export function plainCost(view: CostView): string {
  const blocks = view.blocks.map(block => {
    const lines =
      block.problem === undefined
        ? block.lines
        : [...block.lines, {label: 'Price', value: `unknown (${block.problem})`}];
    return [`Resource: ${block.resource} (${block.type})`, ...lines.map(({label, value}) => `${label}: ${value}`)].join(
      '\n',
    );
  });
  return [`Provider: ${view.provider}`, blocks.join('\n\n')].filter(Boolean).join('\n');
}

/** Columns as wide as their widest cell, two spaces apart. */
export function plainTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(row => row[i]!.length)));
  return [head, ...rows]
    .map(row =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
