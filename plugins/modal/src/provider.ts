import {defineProvider} from '@cloudctl/provider-sdk';
import {RESOURCES} from './resource-types.js';

export default defineProvider({
  contract: 1,
  name: 'modal',
  title: 'Modal',
  summary: 'serverless Python functions and volumes',
  targets: [
    {name: 'cloud', summary: "Modal's cloud, with your account", credentials: true},
    {name: 'local', summary: 'Local Modal on this machine, no account', credentials: false},
  ],
  targetVariable: 'CLOUDCTL_MODAL_TARGET',
  environmentVariable: 'MODAL_ENVIRONMENT',
  credentials: [
    {key: 'token_id', variable: 'MODAL_TOKEN_ID', title: 'Modal token id', prefix: 'ak-'},
    {key: 'token_secret', variable: 'MODAL_TOKEN_SECRET', title: 'Modal token secret', prefix: 'as-'},
  ],
  resources: RESOURCES,
  load: async () => (await import('./implementation.js')).implement(),
});
