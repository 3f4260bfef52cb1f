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

test('what is printed as pins holds, and a function that has changed since is left out and told', async () => {
  const printed = await sesame(tool({}), 'tool', 'list', '--pins');
  assert.equal(printed.code, 0, printed.err);
  const { hello } = JSON.parse(printed.out);
  assert.match(hello.pins.echo, /^[0-9a-f]{64}$/);
  assert.match((await sesame(tool(hello), 'tool', 'list')).out, /^echo /m);
  const digest = hello.pins.echo.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
  const changed = await sesame(tool({ pins: { echo: digest } }), 'tool', 'list');
  assert.equal(changed.out, '');
  assert.match(changed.err, new RegExp(`echo is not as it was: see tools\\.hello\\.pins \\(found ${hello.pins.echo}\\)`));
  const wrong = await sesame(tool({ pins: { echo: 'sha256:1' } }), 'tool', 'list');
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /\$\.tools\.hello\.pins\.echo: not a SHA-256 digest.*64 hex digits, as sesame tool list --pins prints them/s);
});

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
