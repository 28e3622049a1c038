/** What Modal draws: its lists and costs look like everybody's, and deploys show their stages. */
export {drawCost, drawList, openStages} from '@cloudctl/provider-sdk/ink';
