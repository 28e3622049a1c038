/** Ink parts that the core and plugins share. Bundled into whoever uses them; nobody imports Ink at run time. */
export {openStages} from './stages.js';
export {drawTable, type TableColumn} from './table.js';
export {draw} from './draw.js';
