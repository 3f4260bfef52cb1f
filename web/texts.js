// Every text of the page, in both languages.
const texts = {
  en: {
    signInTitle: 'Sign in', signInText: 'Sign in with your company account to talk to the agent.', signIn: 'Sign in',
    signOut: 'Sign out', send: 'Send', stop: 'Stop', ask: 'Your question', chat: 'Chat', you: 'You', agent: 'Agent',
    thinking: 'Thinking', tool: 'Tool', arguments: 'Arguments', result: 'Result', running: 'running …', ok: 'done',
    error: 'failed', refused: 'refused', failed: 'failed', cancelled: 'cancelled', stopped: 'Stopped.', empty: 'No answer came.',
    welcome: 'Ask the agent anything. Where it needs them, it uses the tools it was given.',
    hint: 'Enter sends, Shift+Enter begins a new line', dark: 'Dark', light: 'Light', ms: 'ms',
    cut: 'The connection broke before the answer was complete. Ask again.',
    network: 'The agent cannot be reached. Check that it runs and that its address in config.js is right.',
    expired: 'Your sign-in is no longer valid. Sign in again.', denied: 'You may not use this agent: {0} Ask its administrator for access.',
    broken: 'The agent could not finish its answer: {0} Ask again.',
    busy: 'The agent is busy. Try again in {0} seconds.', failure: 'The request failed (HTTP {0}): {1}',
    missing: 'config.js does not set: {0}. Ask the person who set up this page.',
    noConfig: 'config.js is missing or broken. Ask the person who set up this page.',
    foreign: 'The sign-in answer does not belong to this page. Sign in again.', oauth: 'Sign-in failed: {0}',
  },
  zh: {
    signInTitle: '登录', signInText: '使用企业账号登录后与智能体对话。', signIn: '登录', signOut: '退出登录', send: '发送', stop: '停止',
    ask: '您的问题', chat: '对话', you: '您', agent: '智能体', thinking: '思考过程', tool: '工具', arguments: '参数', result: '结果',
    running: '运行中…', ok: '完成', error: '失败', refused: '已拒绝', failed: '失败', cancelled: '已取消', stopped: '已停止。',
    welcome: '请向智能体提问。需要时，它会使用已配置的工具。', empty: '没有收到回答。', hint: '回车发送，Shift+回车换行', dark: '深色', light: '浅色', ms: '毫秒',
    cut: '连接在回答完成前中断，请重新提问。', network: '无法连接智能体，请检查其是否运行以及 config.js 中的地址。',
    expired: '登录已失效，请重新登录。', denied: '您无权使用该智能体：{0} 请联系管理员授权。', broken: '智能体未能完成回答：{0} 请重新提问。', busy: '智能体繁忙，请 {0} 秒后重试。',
    failure: '请求失败（HTTP {0}）：{1}', missing: 'config.js 缺少：{0}，请联系页面管理员。',
    noConfig: 'config.js 缺失或有误，请联系页面管理员。', foreign: '登录结果不属于本页面，请重新登录。', oauth: '登录失败：{0}',
  },
};

let language = localStorage.getItem('lang') === 'zh' || localStorage.getItem('lang') === 'en'
  ? localStorage.getItem('lang') : (navigator.language || '').startsWith('zh') ? 'zh' : 'en';

export const currentLanguage = () => language;

export function setLanguage(name) {
  language = name;
  localStorage.setItem('lang', name);
}

// The text of that name; {0}, {1} are filled in.
export function say(name, ...values) {
  return (texts[language][name] || name).replace(/\{(\d)\}/g, (_, i) => values[Number(i)] ?? '');
}
