// The chat endpoint as the official client sees it, with every step done for real over HTTP.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import OpenAI, { APIError, APIUserAbortError, AuthenticationError, BadRequestError, InternalServerError,
  NotFoundError, PermissionDeniedError, RateLimitError } from 'openai';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { build, startAgent, userToken, run } from './agent.mjs';

let cloud, agent, token;
before(async () => {
  cloud = await startStandIn();
  agent = await startAgent(cloud, { config: { compat: { java_sample: false } } });
  await agent.until('/ready', 200);
});
after(async () => {
  assert.equal(await agent.stop(), 0);
  assert.equal(await cloud.stop(), 0);
});
beforeEach(async () => {
  await cloud.control('/reset', {});
  token = await userToken(cloud);
});

const client = (options = {}) => new OpenAI({ baseURL: `${agent.url}/openai/v1`, apiKey: token,
  maxRetries: 0, ...options });
const weather = [{ role: 'user', content: 'What is the weather in Hangzhou right now?' }];
const service = [{ role: 'user', content: 'Call my enterprise service' }];

async function streamed(messages, extra = {}) {
  const chunks = [];
  const stream = await client().chat.completions.create({ model: 'any', messages, stream: true,
    ...extra });
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join('');
const toolsOf = (chunks) => chunks.map((chunk) => chunk.sesame?.tool).filter(Boolean);

test('the weather is asked of the map service and streamed', async () => {
  const chunks = await streamed(weather);
  assert.match(textOf(chunks), /杭州|Hangzhou/);
  assert.deepEqual(toolsOf(chunks).map((tool) => tool.state), ['started', 'finished']);
  assert.equal(toolsOf(chunks)[1].outcome, 'ok');
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
});

test('the enterprise service is called with a token of its own', async () => {
  const chunks = await streamed(service);
  assert.match(textOf(chunks), /sample enterprise service/);
  assert.equal(toolsOf(chunks)[0].name, 'enterprise_service_sample');
});

test('not streamed, the answer is one object with usage', async () => {
  const answer = await client().chat.completions.create({ model: 'any', messages: service });
  assert.equal(answer.object, 'chat.completion');
  assert.match(answer.choices[0].message.content, /sample enterprise service/);
  assert.ok(answer.usage.total_tokens > 0);
  assert.match(answer._request_id, /^req_/);
});

test('the stream helper of the client finishes', async () => {
  const answer = await client().chat.completions.stream({ model: 'any', messages: weather })
    .finalChatCompletion();
  assert.equal(answer.choices[0].finish_reason, 'stop');
});

test('usage comes in a last chunk when it is asked for', async () => {
  const chunks = await streamed(service, { stream_options: { include_usage: true } });
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.at(-1).usage.total_tokens > 0);
  assert.equal(chunks[0].usage, null);
});

test('parts of text are joined and the whole history is used', async () => {
  const answer = await client().chat.completions.create({ model: 'any', messages: [
    { role: 'user', content: 'What is the weather in Hangzhou right now?' },
    { role: 'assistant', content: 'It is sunny.' },
    { role: 'user', content: [{ type: 'text', text: 'Call my ' }, { type: 'text', text: 'enterprise service' }] },
  ] });
  assert.match(answer.choices[0].message.content, /sample enterprise service/);
});

// The bytes of a streamed answer and its events.
async function raw(url, body) {
  const answer = await fetch(`${url}/openai/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json' } });
  const text = await answer.text();
  const events = text.split('\n\n').filter((part) => part.startsWith('data: '));
  for (const event of events) assert.equal(event.split('\n').length, 1, 'one line each');
  return { answer, text, last: events.at(-1), chunks: events.slice(0, -1).map((event) => JSON.parse(event.slice(6))) };
}

test('the stream is what every client needs', async () => {
  const { answer, text, last, chunks } = await raw(agent.url,
    { messages: weather, stream: true, stream_options: { include_usage: true } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(answer.headers.get('cache-control'), 'no-cache');
  assert.equal(answer.headers.get('x-accel-buffering'), 'no');
  assert.equal(answer.headers.get('content-length'), null);
  assert.match(answer.headers.get('x-request-id'), /^req_[0-9a-f]{24}$/);
  assert.ok(text.endsWith('\n\ndata: [DONE]\n\n'));
  assert.equal(last, 'data: [DONE]');
  assert.equal(new Set(chunks.map(({ id, object, created, model }) => `${id} ${object} ${created} ${model}`)).size, 1);
  assert.match(chunks[0].id, /^chatcmpl-/);
  assert.equal(chunks[0].object, 'chat.completion.chunk');
  assert.deepEqual(chunks[0].choices, [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
  const choices = chunks.slice(0, -1).map((chunk) => chunk.choices[0]);
  assert.ok(choices.every((choice) => choice.index === 0 && typeof choice.delta === 'object'));
  assert.equal(choices.filter((choice) => choice.delta.role !== undefined).length, 1);
  assert.deepEqual(choices.at(-1), { index: 0, delta: {}, finish_reason: 'stop' });
  assert.equal(choices.filter((choice) => choice.finish_reason !== null).length, 1);
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
  assert.deepEqual(chunks.at(-1).choices, []);
  const { prompt_tokens: asked, completion_tokens: said, total_tokens: all } = chunks.at(-1).usage;
  assert.equal(asked + said, all);
  assert.ok(chunks.some((chunk) => chunk.choices[0]?.delta.reasoning_content), 'thinking goes out under its name');
  assert.ok(chunks.every((chunk) => !/^(Thinking|Text): /.test(chunk.choices[0]?.delta.content ?? '')));
});

test('as the sample: streamed without being asked, and thinking is text too', async () => {
  const sample = await startAgent(cloud);
  try {
    await sample.until('/ready', 200);
    const { answer, chunks } = await raw(sample.url, { messages: weather });
    assert.match(answer.headers.get('content-type'), /^text\/event-stream/);
    const content = textOf(chunks);
    const thought = chunks.map((chunk) => chunk.choices[0]?.delta.reasoning_content ?? '').join('');
    assert.ok(thought.length > 0);
    assert.match(content, /^Thinking: /);
    assert.match(content, /\n\nText: [^]*(杭州|Hangzhou)/);
    assert.equal(content.replaceAll(/(\n\n)?(Thinking: |Text: )/g, '').slice(0, 10), thought.slice(0, 10));
    const whole = await (await fetch(`${sample.url}/openai/v1/chat/completions`, { method: 'POST',
      headers: { authorization: `Bearer ${token}` }, body: JSON.stringify({ messages: weather, stream: false }) })).json();
    assert.match(whole.choices[0].message.content, /^Thinking: [^]*\n\nText: /);
  } finally {
    assert.equal(await sample.stop(), 0);
  }
});

test('after the first byte a failure is text, an error event and an end, in this order', async () => {
  await cloud.control('/switches', { model: { quirks: 'cut' } });
  const { answer, chunks, last } = await raw(agent.url, { messages: [{ role: 'user', content: 'hello' }], stream: true });
  assert.equal(answer.status, 200);
  const at = chunks.findIndex((chunk) => chunk.error);
  assert.match(chunks[at - 1].choices[0].delta.content, /^\n\n\[Error: /);
  assert.deepEqual(Object.keys(chunks[at].error).sort(), ['code', 'message', 'param', 'type']);
  assert.equal(chunks[at + 1].choices[0].finish_reason, 'stop');
  assert.equal(chunks.length, at + 2);
  assert.equal(last, 'data: [DONE]');
});

test('every answer has a request id, and errors keep theirs', async () => {
  for (const [path, status] of [['/health', 200], ['/nothing', 404], ['/openai/v1/models', 401]]) {
    const answer = await fetch(agent.url + path);
    assert.equal(answer.status, status);
    assert.match(answer.headers.get('x-request-id') ?? '', /^req_[0-9a-f]{24}$/, path);
  }
});

test('the models can be listed and read', async () => {
  const models = await client().models.list();
  assert.deepEqual(models.data.map((model) => model.id), ['qwen-plus']);
  assert.equal((await client().models.retrieve('qwen-plus')).id, 'qwen-plus');
  await assert.rejects(client().models.retrieve('other'), NotFoundError);
});

test('no token, a wrong token and an expired token are 401 with a challenge', async () => {
  const bare = await fetch(`${agent.url}/openai/v1/models`);
  assert.equal(bare.status, 401);
  assert.equal(bare.headers.get('www-authenticate'), 'Bearer');
  await assert.rejects(client({ apiKey: 'wrong' }).models.list(), AuthenticationError);
  const old = await userToken(cloud, { lifetime_s: -1000 });
  await assert.rejects(client({ apiKey: old }).models.list(), AuthenticationError);
  await assert.rejects(client({ apiKey: `${token}x` }).models.list(), (error) => {
    assert.equal(error.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
    return error.code === 'invalid_token';
  });
});

test('a token without the scope is 403 with a challenge that names it', async () => {
  const poor = await userToken(cloud, { scope: 'something else' });
  await assert.rejects(client({ apiKey: poor }).models.list(), (error) => {
    assert.ok(error instanceof PermissionDeniedError, String(error));
    assert.equal(error.headers.get('www-authenticate'),
      `Bearer error="insufficient_scope", scope="${cloud.environment.AGENT_SCOPE}"`);
    assert.deepEqual([error.code, error.type, error.param], ['insufficient_scope', 'permission_error', null]);
    assert.equal(error.requestID, error.headers.get('x-request-id'));
    return true;
  });
});

test('bad requests are 400 and name the member', async () => {
  for (const [body, param] of [[{ messages: [] }, 'messages'], [{ messages: weather, n: 2 }, 'n'],
    [{ messages: weather, stream: 'yes' }, 'stream'],
    [{ messages: [{ role: 'robot', content: '' }] }, 'messages'],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] }, 'messages']]) {
    await assert.rejects(client().chat.completions.create(body), (error) => {
      assert.ok(error instanceof BadRequestError, String(error));
      assert.equal(error.param, param);
      return true;
    });
  }
  const broken = await fetch(`${agent.url}/v1/chat/completions`, { method: 'POST', body: '{"a":1,"a":2}',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
  assert.equal(broken.status, 400);
  assert.equal((await broken.json()).error.code, 'invalid_json');
});

test('unknown paths and methods are 404 and 405', async () => {
  assert.equal((await fetch(`${agent.url}/nothing`)).status, 404);
  const wrong = await fetch(`${agent.url}/v1/chat/completions`);
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get('allow'), 'POST, OPTIONS');
});

test('a page on an allowed origin may ask, another may not', async () => {
  const preflight = (origin) => fetch(`${agent.url}/openai/v1/chat/completions`, { method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-stainless-lang,x-evil' } });
  const good = await preflight('http://127.0.0.1:9001');
  assert.equal(good.status, 204);
  assert.equal(good.headers.get('access-control-allow-origin'), 'http://127.0.0.1:9001');
  assert.equal(good.headers.get('access-control-allow-headers'),
    'authorization, content-type, x-stainless-lang');
  assert.equal((await preflight('http://evil.example')).status, 403);
  const refused = await fetch(`${agent.url}/openai/v1/models`, { headers: { origin: 'http://127.0.0.1:9001' } });
  assert.equal(refused.headers.get('access-control-allow-origin'), 'http://127.0.0.1:9001');
});

test('a model that fails for good is an error with a status', async () => {
  await cloud.control('/fail', { at: 'model', times: 10, status: 429 });
  await assert.rejects(client().chat.completions.create({ messages: weather }), RateLimitError);
  await cloud.control('/reset', {});
  await cloud.control('/fail', { at: 'model', times: 10, status: 500 });
  await assert.rejects(client().chat.completions.create({ messages: weather }), InternalServerError);
});

test('a model that fails once is asked again and nobody notices', async () => {
  await cloud.control('/fail', { at: 'model', times: 1, status: 503 });
  assert.match(textOf(await streamed(service)), /sample enterprise service/);
});

test('a conversation longer than the context goes on without its oldest messages', async () => {
  await cloud.control('/switches', { model: { quirks: 'short-context' } });
  const history = Array.from({ length: 10 }, (_, i) => [
    { role: 'user', content: `Question ${i} ${'long '.repeat(100)}` }, { role: 'assistant', content: 'Yes.' }]).flat();
  assert.match(textOf(await streamed([...history, ...service])), /sample enterprise service/);
  assert.equal((await cloud.control('/counts')).counts.model, 3);
  await agent.logged(/"messages_left_out":1\d,/);
  await agent.logged(/"event":"turn"[^\n]*"reason":"history_shortened"/);
});

test('a question longer than the context is 400 with the code that clients know', async () => {
  await cloud.control('/switches', { model: { quirks: 'short-context' } });
  for (const stream of [false, true]) {
    await assert.rejects(client().chat.completions.create({ stream, messages: [...weather,
      { role: 'assistant', content: 'Sunny.' }, { role: 'user', content: 'long '.repeat(1000) }] }), (error) => {
      assert.ok(error instanceof BadRequestError, String(error));
      assert.equal(error.code, 'context_length_exceeded');
      assert.match(error.message, /shorten the last message or start a new conversation/);
      return true;
    });
  }
});

test('a stream of the model that is cut is an error after what was shown', async () => {
  await cloud.control('/switches', { model: { quirks: 'cut' } });
  const chunks = [];
  await assert.rejects(async () => {
    const stream = await client().chat.completions.create({ messages: weather, stream: true });
    for await (const chunk of stream) chunks.push(chunk);
  }, APIError);
});

test('a map service that is down is told to the model, and the turn goes on', async () => {
  await cloud.control('/fail', { at: 'mcp', times: 50, status: 500 });
  const chunks = await streamed(weather);
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
  assert.equal(toolsOf(chunks).at(-1).outcome, 'failed');
});

for (const [how, leave] of [['leaves its loop', async (stream) => {
  for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) break;
}], ['aborts', async (stream) => {
  await assert.rejects(async () => {
    for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) stream.abort();
  }, APIUserAbortError);
}]])
  test(`a client that ${how} cancels the model call at once`, async () => {
    await cloud.control('/switches', { model: { delta_delay_ms: 50, delta_count: 200 } });
    const before = (await cloud.control('/counts')).client_gone.model ?? 0;
    const request = { messages: [{ role: 'user', content: 'hello' }], stream: true };
    await leave(how === 'aborts' ? client().chat.completions.stream(request) : await client().chat.completions.create(request));
    for (let i = 0; i < 100; i++) {
      const counts = await cloud.control('/counts');
      if ((counts.client_gone.model ?? 0) > before) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.fail(`the model was never told: ${JSON.stringify(await cloud.control('/counts'))}`);
  });

test('no secret shows up in an answer, the log, the audit or a model request', async () => {
  const chunks = JSON.stringify([await streamed(weather), await streamed(service)]);
  const keys = [await cloud.apiKey(cloud.environment.LLM_API_KEY_IDENTIFIER),
    await cloud.apiKey(cloud.environment.EXTERNAL_SERVER_API_KEY_IDENTIFIER)];
  for (const secret of [cloud.environment.IDAAS_CLIENT_SECRET, token, ...keys, 'recognise-me-', 'eyJ']) {
    assert.ok(!chunks.includes(secret), 'a secret is in the answer');
    assert.ok(!agent.output().includes(secret), 'a secret is in the log or the audit');
  }
  assert.match(agent.output(), /"event":"tool".*"outcome":"ok"/);
  const seenBy = async (text) => [...new Set((await cloud.control('/requests/find', { text }))
    .map((hit) => hit.route))];
  assert.deepEqual(await seenBy(keys[0]), ['model']);
  assert.deepEqual(await seenBy(keys[1]), ['mcp']);
  assert.deepEqual(await seenBy(token), []);
});

test('only the plugins that the configuration selects are mapped', () => {
  const maps = readFileSync(`/proc/${agent.pid}/maps`, 'utf8');
  const there = readdirSync(join(build, 'sesame-plugins')).filter((name) => name.endsWith('.so'));
  assert.deepEqual(there.filter((name) => maps.includes(`/${name}\n`)).sort(),
    ['client-secret.so', 'enterprise-service.so', 'mcp.so']);
});

test('the command line lists and calls tools, fetches a token without showing it, checks files', async () => {
  const env = cloud.environment;
  assert.match((await run(['tool', 'list'], env)).out, /maps_weather/);
  const called = await run(['tool', 'call', 'enterprise_service_sample'], env);
  assert.equal(called.code, 0, called.err);
  assert.match(called.out, /sample enterprise service/);
  const fetched = await run(['token', 'llm'], env);
  assert.equal(fetched.code, 0, fetched.err);
  assert.ok(!fetched.out.includes('recognise-me-'));
  assert.match((await run(['config', 'check'], env)).out, /^ok: /);
  assert.match((await run(['plugin', 'list'], env)).out, /client-secret/);
  assert.match((await run(['plugin', 'show', 'mcp'], env)).out, /configuration schema/);
  const without = { ...env };
  delete without.LLM_API_KEY_IDENTIFIER;
  const checked = await run(['config', 'check'], without);
  assert.equal(checked.code, 2);
  assert.match(checked.err, /LLM_API_KEY_IDENTIFIER/);
  assert.equal((await run(['nonsense'], env)).code, 2);
});

test('a wrong client secret is said clearly, and the host stays up', async () => {
  const wrong = await startAgent(cloud, { env: { IDAAS_CLIENT_SECRET: 'recognise-me-wrong' } });
  const report = await wrong.until('/ready', 503);
  assert.equal(report.ready, false);
  const asked = new OpenAI({ baseURL: `${wrong.url}/openai/v1`, apiKey: token, maxRetries: 0 });
  await assert.rejects(asked.chat.completions.create({ messages: weather, stream: false }), (error) => {
    assert.equal(error.status, 502);
    assert.match(error.message, /lacks a credential \(invalid_client\).*IDAAS_CLIENT_SECRET/);
    return true;
  });
  assert.ok(!wrong.output().includes('recognise-me-'));
  assert.equal(await wrong.stop(), 0);
});

test('while a tool takes its time the stream is kept open with comments', async () => {
  await cloud.control('/switches', { mcp: { delay_ms: 13000 } });
  const answer = await fetch(`${agent.url}/openai/v1/chat/completions`, { method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages: weather, stream: true }) });
  const events = (await answer.text()).split('\n\n');
  const comment = events.indexOf(': keep-alive');
  assert.ok(comment > 0, 'no comment');
  assert.ok(events.slice(0, comment).some((event) => event.includes('"maps_weather"')), 'before the tool was called');
  assert.equal(events.filter((event) => event.startsWith(':')).length, 1);
  assert.equal(events.at(-2), 'data: [DONE]');
});
