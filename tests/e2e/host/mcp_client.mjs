// What the conformance suite runs as "the client": sesame's MCP tool, against the URL it is given.
// usage: node mcp_client.mjs PLACEMENT SCENARIO URL
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { build } from './agent.mjs';

const [placement, scenario, url] = [...process.argv.slice(2, 4), process.argv.at(-1)];
// An untrusted tool's functions carry its name.
const prefix = placement === 'process' ? 'peer_' : '';
const words = {
  initialize: ['tool', 'list'],
  tools_call: ['tool', 'call', `${prefix}add_numbers`, '{"a":5,"b":3}'],
  'sse-retry': ['tool', 'call', `${prefix}test_reconnection`],
}[scenario];
const folder = mkdtempSync(join(tmpdir(), 'sesame-mcp-'));
const config = join(folder, 'sesame.json');
writeFileSync(config, JSON.stringify({ plugins: { settings: { mcp: { placement } } },
  tools: { peer: { plugin: 'mcp', config: { url } } } }));
const done = spawnSync(join(build, 'sesame'), [...words, '--config', config], { env: process.env, stdio: 'inherit' });
rmSync(folder, { recursive: true });
process.exit(done.status);
