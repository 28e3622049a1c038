/** Ink parts that the core and plugins share. Bundled into whoever uses them; nobody imports Ink at run time. */
export {draw} from './draw.js';
export {openStages} from './stages.js';
export {drawTable, type TableColumn} from './table.js';
export {drawCost, drawList} from './views.js';
