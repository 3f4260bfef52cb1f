// sesame tool and sesame plugin with a file that names a tool and no more: nothing else is needed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { run } from './agent.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
let folder, plugins;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sesame-tools-'));
  plugins = join(folder, 'plugins');
  mkdirSync(plugins);
  // As a stranger would build it.
  execFileSync('cc', ['-shared', '-fPIC', '-I', join(root, 'plugins/include'), '-o', join(plugins, 'simple.so'),
    join(root, 'tests/abi/simple.c')]);
  copyFileSync(join(root, 'tests/abi/simple.json'), join(plugins, 'simple.json'));
});
after(() => rmSync(folder, { recursive: true }));

// No variable at all; the files are meant from the folder that the command is started in.
const sesame = (config, ...words) => {
  writeFileSync(join(folder, 'sesame.json'), JSON.stringify({ plugins: { directory: './plugins' }, ...config }));
  return run([...words, '--config', 'sesame.json'], {}, folder);
};
const tool = (members) => ({ tools: { hello: { plugin: 'simple', ...members } } });

for (const placement of ['inline', 'thread', 'process']) {
  test(`${placement}: a tool is listed and called without anything else`, async () => {
    const name = placement === 'process' ? 'hello_echo' : 'echo';
    const listed = await sesame(tool({ placement }), 'tool', 'list');
    assert.equal(listed.code, 0, listed.err);
    assert.match(listed.out, new RegExp(`^${name} `, 'm'));
    const called = await sesame(tool({ placement }), 'tool', 'call', name, '{"text":"x"}');
    assert.equal(called.code, 0, called.err);
    assert.match(called.out, /\{"text":"x"\}/);
  });
}

test('a tool with a credential says which variable and which file are missing, and what for', async () => {
  const called = await sesame(tool({ credentials: ['amap'] }), 'tool', 'call', 'echo', '{}');
  assert.equal(called.code, 2);
  assert.match(called.err, /\$\.credentials\.amap\.identifier: Environment variable EXTERNAL_SERVER_API_KEY_IDENTIFIER is not set/);
  assert.doesNotMatch(called.err, /JWKS|LLM|ENTERPRISE/); // nobody asked for those
  const key = { kind: 'api-key', identifier: 'k', identity: 'machine', origins: ['https://svc.example'] };
  const keyed = await sesame({ ...tool({ credentials: ['key'] }), credentials: { key } }, 'tool', 'list');
  assert.equal(keyed.code, 2);
  assert.match(keyed.err, /client-config\.json not found/);
});

test('a whole host still asks for all of it', async () => {
  const checked = await sesame(tool({}), 'config', 'check');
  assert.equal(checked.code, 2);
  assert.match(checked.err, /JWKS_ENDPOINT/);
  assert.match(checked.err, /LLM_API_KEY_IDENTIFIER/);
});
