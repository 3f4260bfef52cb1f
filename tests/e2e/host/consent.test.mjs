// A tool needs a token that the user must first agree to: the chat shows the link and goes on when he has.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import OpenAI from 'openai';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { startAgent, userToken } from './agent.mjs';

let cloud, agent;
before(async () => {
  cloud = await startStandIn();
  const { ENTERPRISE_SERVICE_URL: url } = cloud.environment;
  agent = await startAgent(cloud, { config: {
    compat: { java_sample: false },
    credentials: {
      llm: { kind: 'api-key', identifier: '${LLM_API_KEY_IDENTIFIER}', origins: ['${LLM_BASE_URL}'] },
      calendar: { kind: 'oauth-token', identifier: 'oauth_user', identity: 'user', origins: [url] },
    },
    tools: { enterprise: { plugin: 'enterprise-service', credentials: ['calendar'],
      config: { url, credential: 'calendar', method: 'POST', name: 'enterprise_service_sample', description: 'Calls the service.' } } },
  } });
  await agent.until('/ready', 200);
});
after(async () => {
  assert.equal(await agent.stop(), 0);
  await cloud.stop();
});

const ask = async (user) => {
  const client = new OpenAI({ baseURL: `${agent.url}/openai/v1`, apiKey: await userToken(cloud, { user }), maxRetries: 0 });
  return client.chat.completions.create({ messages: [{ role: 'user', content: 'Call my enterprise service' }], stream: true });
};

// Reads the answer; decides as soon as the link is there.
async function read(stream, decision) {
  let text = '', decided = false;
  for await (const chunk of stream) {
    const delta = chunk.choices[0]?.delta ?? {};
    text += (delta.content ?? '') + (delta.reasoning_content ?? '');
    const link = /https?:\/\/\S*session=[A-Za-z0-9_.%-]+/.exec(text);
    if (link && !decided) {
      decided = true;
      const url = new URL(link[0]);
      await fetch(url.origin + url.pathname, { method: 'POST',
        body: new URLSearchParams({ session: url.searchParams.get('session'), decision }) });
    }
  }
  return { text, decided };
}

test('the link is shown, and the turn goes on when the user has agreed', async () => {
  const first = await read(await ask('alice'), 'allow');
  assert.ok(first.decided, first.text);
  assert.match(first.text, /user_local0alice0001/);
  const second = await read(await ask('alice'), 'allow');
  assert.ok(!second.decided, 'nobody is asked twice');
  assert.match(second.text, /user_local0alice0001/);
});

test('one user\'s consent is not another\'s', async () => {
  const bob = await read(await ask('bob'), 'allow');
  assert.ok(bob.decided, bob.text);
  assert.match(bob.text, /user_local0bob/);
  assert.doesNotMatch(bob.text, /alice/);
});
