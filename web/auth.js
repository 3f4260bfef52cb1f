// Sign-in and sign-out at IDaaS: the implicit grant of the sample page, with a state of its own.
const stateKey = 'sesame.state'; // what comes back must be an answer to us; the token is never stored

const needed = ['IDAAS_AUTHORIZE_ENDPOINT', 'IDAAS_LOGOUT_ENDPOINT', 'CLIENT_ID', 'SCOPE'];

export function readConfig() {
  const config = window.APP_CONFIG;
  if (!config) return { problem: 'noConfig', missing: '' };
  const missing = needed.filter((name) => !config[name]);
  const apiUrl = config.API_URL || config.AGENTSCOPE_API_URL;
  if (!apiUrl) missing.unshift('API_URL');
  return missing.length > 0 ? { problem: 'missing', missing: missing.join(', ') } : { ...config, apiUrl };
}

const pageUrl = () => location.href.split(/[?#]/)[0];

export function goSignIn(config) {
  const state = crypto.randomUUID();
  sessionStorage.setItem(stateKey, state);
  const query = new URLSearchParams({
    client_id: config.CLIENT_ID, response_type: 'token', scope: config.SCOPE, redirect_uri: pageUrl(), state,
  });
  location.assign(`${config.IDAAS_AUTHORIZE_ENDPOINT}?${query}`);
}

export function goSignOut(config) {
  const query = new URLSearchParams({ client_id: config.CLIENT_ID, post_logout_redirect_uri: pageUrl() });
  location.assign(`${config.IDAAS_LOGOUT_ENDPOINT}?${query}`);
}

// What the address brought: {token}, {problem, detail}, or {} when it was no sign-in answer.
export function takeSignInAnswer() {
  const answer = window.takeSignIn();
  if (answer === null) return {};
  const expected = sessionStorage.getItem(stateKey);
  sessionStorage.removeItem(stateKey);
  if (answer.get('error')) {
    return { problem: 'oauth', detail: answer.get('error_description') || answer.get('error') };
  }
  const token = answer.get('access_token');
  if (!token) return {};
  if (expected === null || answer.get('state') !== expected) return { problem: 'foreign', detail: '' };
  return { token };
}

// A name to show, from the unchecked payload: the agent checks the token, not we.
export function nameOf(token) {
  try {
    const part = token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return claims.name || claims.preferred_username || claims.sub || '';
  } catch {
    return '';
  }
}
