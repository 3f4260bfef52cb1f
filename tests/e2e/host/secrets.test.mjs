// The promise, proven: after real turns, the idle process holds no secret outside the locked arena.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import OpenAI from 'openai';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { startAgent, userToken } from './agent.mjs';
import { occurrences } from './memory.mjs';

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
