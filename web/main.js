// Puts the page together: who is signed in, what was said, which texts are shown.
import { readConfig, goSignIn, goSignOut, takeSignInAnswer, nameOf } from './auth.js';
import { ask, ChatProblem } from './chat-client.js';
import { Answer, addQuestion } from './message.js';
import { say, setLanguage, currentLanguage } from './texts.js';

const at = (id) => document.getElementById(id);
const config = readConfig();
const signIn = takeSignInAnswer();
const history = []; // what the agent is sent: questions and answers
let token = signIn.token ?? null; // in memory only: a reload signs out
let running = null; // AbortController of the question under way

function showTexts() {
  document.documentElement.lang = currentLanguage() === 'zh' ? 'zh-CN' : 'en';
  at('language').textContent = currentLanguage() === 'zh' ? 'English' : '中文';
  at('language').lang = currentLanguage() === 'zh' ? 'en' : 'zh';
  at('scheme').textContent = say(document.documentElement.dataset.scheme === 'dark' ? 'light' : 'dark');
  at('sign-in-title').textContent = say('signInTitle');
  at('sign-in-text').textContent = say('signInText');
  at('sign-in-button').textContent = say('signIn');
  at('sign-out').textContent = say('signOut');
  at('chat-title').textContent = say('chat');
  at('welcome').textContent = say('welcome');
  at('messages').setAttribute('aria-label', say('chat'));
  at('question-label').textContent = say('ask');
  at('question').placeholder = say('hint');
  at('send').textContent = say('send');
  at('stop').textContent = say('stop');
  const problem = config.problem ? say(config.problem, config.missing) : signIn.problem ? say(signIn.problem, signIn.detail) : '';
  at('sign-in-problem').textContent = problem;
  at('sign-in-problem').hidden = problem === '';
}

function showState() {
  at('sign-in').hidden = token !== null;
  at('chat').hidden = token === null;
  at('sign-out').hidden = token === null;
  at('sign-in-button').disabled = Boolean(config.problem);
  at('who').hidden = token === null;
  at('who').textContent = token === null ? '' : nameOf(token);
  (token === null ? at('sign-in-button') : at('question')).focus();
}

// Before the first question there is only the welcome.
function showMessages(hasMessages) {
  at('welcome').hidden = hasMessages;
  at('messages').hidden = !hasMessages;
}

function setRunning(controller) {
  running = controller;
  at('send').hidden = controller !== null;
  at('stop').hidden = controller === null;
  if (controller === null) at('question').focus();
}

function showProblem(answer, error) {
  if (error.name === 'AbortError') {
    answer.problem(say('stopped'));
  } else if (error instanceof ChatProblem && error.message === 'expired') {
    answer.problem(say('expired'), { label: say('signIn'), run: () => goSignIn(config) });
  } else if (error instanceof ChatProblem) {
    answer.problem(say(error.message, ...error.values));
  } else {
    answer.problem(say('cut'));
  }
}

async function send() {
  const question = at('question').value.trim();
  if (question === '' || running !== null) return;
  at('question').value = '';
  showMessages(true);
  addQuestion(at('messages'), question);
  history.push({ role: 'user', content: question });
  const answer = new Answer(at('messages'));
  const controller = new AbortController();
  setRunning(controller);
  try {
    await ask(config.apiUrl, token, history, {
      reasoning: (text) => answer.reasoning(text), text: (text) => answer.addText(text), tool: (tool) => answer.tool(tool),
    }, controller.signal);
    if (answer.text === '') answer.problem(say('empty'));
  } catch (error) {
    showProblem(answer, error);
  }
  if (answer.text !== '') history.push({ role: 'assistant', content: answer.text });
  answer.end();
  setRunning(null);
}

at('sign-in-button').addEventListener('click', () => goSignIn(config));
at('sign-out').addEventListener('click', () => {
  // Forgotten first: the browser may keep this page and show it again on Back.
  running?.abort();
  token = null;
  history.length = 0;
  at('messages').replaceChildren();
  showMessages(false);
  showState();
  goSignOut(config);
});
at('stop').addEventListener('click', () => running?.abort());
at('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  send();
});
at('question').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
at('language').addEventListener('click', () => {
  setLanguage(currentLanguage() === 'zh' ? 'en' : 'zh');
  showTexts();
});
at('scheme').addEventListener('click', () => {
  const root = document.documentElement;
  root.dataset.scheme = root.dataset.scheme === 'dark' ? 'light' : 'dark';
  showTexts();
});

document.documentElement.dataset.scheme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
showTexts();
showMessages(false);
showState();
