// The README's example of a configuration is one.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { run } from './agent.mjs';

const readme = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../../../README.md'), 'utf8');

test('the example passes config check, and a mistake in it does not', async (t) => {
  const cloud = await startStandIn();
  const folder = mkdtempSync(join(tmpdir(), 'sesame-readme-'));
  t.after(async () => {
    rmSync(folder, { recursive: true });
    await cloud.stop();
  });
  const [, example] = /```json\n(.*?)```/s.exec(readme);
  const file = join(folder, 'sesame.json');
  writeFileSync(file, example);
  const checked = await run(['config', 'check', '--config', file], cloud.environment);
  assert.equal(checked.code, 0, checked.err);
  assert.match(checked.out, /^ok: .*2 credentials, 2 tools/);
  writeFileSync(file, example.replace('"path"', '"paths"'));
  assert.equal((await run(['config', 'check', '--config', file], cloud.environment)).code, 2);
});
