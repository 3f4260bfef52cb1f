// The page against a scripted chat server: what each failure says, and what sign-out leaves behind.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { after, before, test } from 'node:test';

// The browser driver is pinned once, beside the tests of the host.
const puppeteer = createRequire(new URL('./package.json', import.meta.url))('puppeteer-core');
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
