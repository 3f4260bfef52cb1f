// The promise, proven: after real turns, the idle process holds no secret outside the locked arena.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { after, before, test } from 'node:test';

import OpenAI from 'openai';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { startAgent, userToken } from './agent.mjs';

let cloud, agent, token;
before(async () => {
  cloud = await startStandIn();
  // Dumpable for this test only, so that another process may look.
  agent = await startAgent(cloud, { env: { SESAME_KEEP_DUMPABLE: '1' } });
  await agent.until('/ready', 200);
  token = await userToken(cloud);
});
after(async () => {
  await agent.stop();
  await cloud.stop();
});

// Every byte of the process that can be read; pages of memfd_secret cannot, not even by root.
function* memory(pid) {
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const found = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+\s*(.*)$/.exec(line);
    if (!found || found[3] === '[vvar]' || found[3] === '[vsyscall]') continue;
    const from = Number(`0x${found[1]}`), size = Number(`0x${found[2]}`) - from;
    const bytes = Buffer.alloc(size);
    try {
      if (readSync(fd, bytes, 0, size, from) > 0) yield { name: found[3], bytes };
    } catch {
      // not readable: that is the arena
    }
  }
  closeSync(fd);
}

function occurrences(pid, text) {
  const where = [];
  for (const { name, bytes } of memory(pid)) if (bytes.includes(text)) where.push(name || 'anonymous');
  return where;
}

test('the scan finds what is there', () => {
  assert.ok(occurrences(agent.pid, 'sesame is running').length > 0);
});

test('no secret is left outside the locked arena', async () => {
  const client = new OpenAI({ baseURL: `${agent.url}/openai/v1`, apiKey: token, maxRetries: 0 });
  for (const content of ['What is the weather in Hangzhou right now?', 'Call my enterprise service']) {
    const answer = await client.chat.completions.create({ messages: [{ role: 'user', content }], stream: false });
    assert.equal(answer.choices[0].finish_reason, 'stop');
  }
  const secrets = { 'client secret': cloud.environment.IDAAS_CLIENT_SECRET,
    'model key': await cloud.apiKey(cloud.environment.LLM_API_KEY_IDENTIFIER),
    'map key': await cloud.apiKey(cloud.environment.EXTERNAL_SERVER_API_KEY_IDENTIFIER),
    'the signature of AT_u': token.split('.')[2], 'the head of any token': 'eyJhbGciOi' };
  for (const [name, text] of Object.entries(secrets)) {
    assert.deepEqual(occurrences(agent.pid, text), [], name);
  }
});
