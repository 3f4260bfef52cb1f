// The page against a scripted chat server: what each failure says, and what sign-out leaves behind.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { after, before, test } from 'node:test';

// The browser driver is pinned once, beside the tests of the host.
const puppeteer = createRequire(new URL('./package.json', import.meta.url))('puppeteer-core');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const web = new URL('../../../web/', import.meta.url);
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const event = (value) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;
const delta = (value) => event({ choices: [{ index: 0, delta: value, finish_reason: null }] });

let server, browser, url, reply;

before(async () => {
  server = http.createServer((request, response) => {
    const name = request.url === '/' ? 'index.html' : request.url.slice(1);
    if (request.method === 'POST') return reply(response);
    response.setHeader('content-type', types[extname(name)] ?? 'text/html');
    if (name === 'config.js') {
      return response.end(`window.APP_CONFIG = { API_URL: '${url}chat', CLIENT_ID: 'c', SCOPE: 's',
        IDAAS_AUTHORIZE_ENDPOINT: '${url}in', IDAAS_LOGOUT_ENDPOINT: '${url}out' };`);
    }
    if (!existsSync(new URL(name, web))) return response.end('<!doctype html><title>elsewhere</title>');
    return response.end(readFileSync(new URL(name, web)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${server.address().port}/`;
  browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--lang=en-US'] });
});
after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

async function signedIn() {
  const page = await (await browser.createBrowserContext()).newPage();
  await page.goto(url);
  await page.evaluate(() => sessionStorage.setItem('sesame.state', 's'));
  await page.goto('about:blank');
  await page.goto(`${url}#access_token=a.e30.b&state=s`);
  await page.waitForSelector('#chat:not([hidden])');
  return page;
}

async function answerTo(script) {
  reply = script;
  const page = await signedIn();
  await page.type('#question', 'hello');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.message.agent:not([aria-busy])');
  const text = await page.$eval('.message.agent', (box) => box.textContent);
  await page.close();
  return text;
}

// The text of the thinking block and of the answer's own words.
async function partsOf(script) {
  reply = script;
  const page = await signedIn();
  await page.type('#question', 'hello');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.message.agent:not([aria-busy])');
  const parts = await page.evaluate(() => ({ thinking: [...document.querySelectorAll('.thinking pre')].map((box) => box.textContent),
    text: [...document.querySelectorAll('.message.agent .text')].map((box) => box.textContent) }));
  await page.close();
  return parts;
}

const refusal = (status, headers = {}) => (response) => {
  response.writeHead(status, headers).end(JSON.stringify({ error: { message: 'Because.' } }));
};
const stream = (...parts) => (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(parts.join(''));

for (const [name, script, expected] of [
  ['401 asks to sign in again', refusal(401), /no longer valid\. Sign in again\./],
  ['403 names the reason and whom to ask', refusal(403), /may not use this agent: Because\. Ask its administrator/],
  ['429 says when to try again', refusal(429, { 'retry-after': '7' }), /Try again in 7 seconds/],
  ['502 shows the server\'s reason', refusal(502), /HTTP 502\): Because\./],
  ['an error event is not called HTTP 200', stream(delta({ content: 'a' }), event({ error: { message: 'Because.' } })),
    /could not finish its answer: Because\. Ask again\./],
  ['a cut stream says so', stream(delta({ content: 'a' })), /broke before the answer was complete/],
  ['no connection names the address', (response) => response.destroy(), /cannot be reached/],
  ['reasoning and text of one delta are both shown', stream(delta({ reasoning_content: 'why', content: 'because' }), event('[DONE]')),
    /why.*because/s],
  ['ten thousand nested quotes are shown', stream(delta({ content: `${'>'.repeat(10000)} deep` }), event('[DONE]')), /deep$/],
]) {
  test(name, async () => assert.match(await answerTo(script), expected));
}

test('sign-out forgets the chat before it leaves', async () => {
  reply = stream(delta({ content: 'private' }), event('[DONE]'));
  const page = await signedIn();
  await page.type('#question', 'hello');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.message.agent:not([aria-busy])');
  const left = await page.evaluate(() => {
    document.getElementById('sign-out').click();
    return { messages: document.getElementById('messages').childNodes.length, hidden: document.getElementById('chat').hidden };
  });
  assert.deepEqual(left, { messages: 0, hidden: true });
  await page.close();
});

const sampleAnswer = 'Thinking: I need\n\nsome text.\n\nText: It rains.\n\nThinking: Really?\n\nText: Yes.';
const sampleParts = { thinking: ['I need\n\nsome text.', 'Really?'], text: ['It rains.', 'Yes.'] };

for (const size of [1, 3, 7, 1000]) {
  test(`the Java sample's layout is folded into thinking, in pieces of ${size}`, async () => {
    const pieces = sampleAnswer.match(new RegExp(`.{1,${size}}`, 'gs')).map((content) => delta({ content }));
    assert.deepEqual(await partsOf(stream(...pieces, event('[DONE]'))), sampleParts);
  });
}

test('our own layout for the sample\'s page is not shown twice', async () => {
  const layout = (content) => event({ choices: [{ index: 0, delta: { content } }], sesame: { layout: true } });
  const thought = (text) => delta({ reasoning_content: text, content: text });
  assert.deepEqual(await partsOf(stream(layout('Thinking: '), thought('why'), thought(' not'), layout('\n\n'), layout('Text: '),
    delta({ content: 'because' }), event('[DONE]'))), { thinking: ['why not'], text: ['because'] });
});

test('the same words in the middle of an answer are just words', async () => {
  const content = 'He wrote Thinking: aloud.\n\nText: none.';
  assert.deepEqual((await partsOf(stream(delta({ content: 'H' }), delta({ content: content.slice(1) }), event('[DONE]')))).thinking, []);
});

const broken = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(delta({ content: 'half an answer' }), () => response.destroy());
};
for (const [state, script] of [['401', refusal(401)], ['429', refusal(429, { 'retry-after': '7' })], ['503', refusal(503)],
  ['broken mid-stream', broken], ['reported in the stream', stream(delta({ content: 'a' }), event({ error: { message: 'Because.' } }))],
  ['the network gone', (response) => response.destroy()]]) {
  test(`axe finds nothing when the answer is ${state}, in both schemes and languages`, async () => {
    reply = script;
    const page = await signedIn();
    await page.type('#question', 'hello');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.problem');
    await page.waitForSelector('.message.agent:not([aria-busy])');
    await page.evaluate(axe);
    for (let i = 0; i < 4; i++) {
      const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      assert.deepEqual(found.violations.map((violation) => `${violation.id}: ${violation.nodes[0].html}`), []);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'the page is too wide');
      await page.click(i % 2 === 0 ? '#language' : '#scheme');
    }
    await page.close();
  });
}
