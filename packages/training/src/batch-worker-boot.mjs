// Node 20 cannot load TypeScript in a worker thread: register tsx, then load the real worker.
import { register } from 'tsx/esm/api';

register();
await import('./batch-worker-thread.ts');
