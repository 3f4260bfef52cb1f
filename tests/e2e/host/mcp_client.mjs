// What the conformance suite runs as "the client": sesame's MCP tool, against the URL it is given.
// usage: node mcp_client.mjs SCENARIO URL
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { build } from './agent.mjs';

const [scenario, url] = [process.argv[2], process.argv.at(-1)];
const words = {
  initialize: ['tool', 'list'],
  tools_call: ['tool', 'call', 'add_numbers', '{"a":5,"b":3}'],
  'sse-retry': ['tool', 'call', 'test_reconnection'],
}[scenario];
const folder = mkdtempSync(join(tmpdir(), 'sesame-mcp-'));
const config = join(folder, 'sesame.json');
writeFileSync(config, JSON.stringify({ tools: { peer: { plugin: 'mcp', config: { url } } } }));
const done = spawnSync(join(build, 'sesame'), [...words, '--config', config], { env: process.env, stdio: 'inherit' });
rmSync(folder, { recursive: true });
process.exit(done.status);
