// sesame plugin show: what a plugin asks for beside what the operator grants it; nothing unless he says so.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { build, run } from './agent.mjs';

const folder = mkdtempSync(join(tmpdir(), 'sesame-show-'));
after(() => rmSync(folder, { recursive: true }));
const env = { PATH: process.env.PATH };

async function show(id, config) {
  const file = join(folder, 'sesame.json');
  writeFileSync(file, JSON.stringify(config));
  const shown = await run(['plugin', 'show', id, '--config', file], env);
  assert.equal(shown.code, 0, shown.err);
  const [asked, rest] = shown.out.split(/^granted.*$/m);
  return { asked, granted: rest.split('configuration schema:')[0], whole: shown.out };
}

test('what it asks for stands in its schema and manifest', async () => {
  const { asked } = await show('mcp', { tools: {} });
  assert.match(asked, /services .*sesame\.http\/1/);
  assert.match(asked, /requests to the origin in config\.url/);
  assert.match(asked, /the credential named by config\.credential/);
  assert.match((await show('command', { tools: {} })).asked, /one program to run/);
  assert.match((await show('client-secret', { tools: {} })).asked, /the secret named by config/);
});

test('a tool that nothing names is granted nothing', async () => {
  const { granted } = await show('mcp', { tools: {} });
  assert.match(granted, /nothing: no tool/);
  assert.doesNotMatch(granted, /https?:|credential {2}/);
});

test('each tool has what its own entry says', async () => {
  const digest = (await run(['plugin', 'digest', join(build, 'sesame-plugins/mcp.so')], env)).out.split(' ')[0].trim();
  const { granted } = await show('mcp', { plugins: { settings: { mcp: { sha256: digest, placement: 'process' } } },
    credentials: { k: { kind: 'access-token', scope: 'https://a.example|read', identity: 'user', origins: ['https://a.example'] } },
    tools: { maps: { plugin: 'mcp', placement: 'inline', credentials: ['k'], config: { url: 'https://a.example/mcp', credential: 'k' } },
      plain: { plugin: 'mcp', isolation: 'required', origins: ['https://b.example'], config: { url: 'https://c.example/mcp' } } } });
  const [maps, plain] = granted.split('tools.plain');
  assert.match(maps, /tools\.maps: placement inline/);
  assert.match(maps, /credential {2}k, sent to https:\/\/a\.example, of the signed-in user/);
  assert.match(maps, /origin {6}https:\/\/a\.example\/mcp \(config\/url\)/);
  assert.doesNotMatch(plain, /credential {2}/);
  assert.match(plain, /placement process, isolation required/);
  assert.match(plain, /origin {6}https:\/\/b\.example/);
  assert.match(plain, new RegExp(`digest {6}held against ${digest}`));
  assert.match(plain, /signature {3}not demanded/);
});

test('without a configuration there is no grant', async () => {
  const shown = await run(['plugin', 'show', 'mcp'], { ...env, HOME: folder, XDG_CONFIG_HOME: folder });
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /^granted\n {2}nothing: there is no configuration/m);
});
