/** What the core draws itself: what has no view of its provider's, and what spans providers. */
export {drawCost, drawList, openStages} from '@cloudctl/provider-sdk/ink';
