// A real OpenID Connect provider (panva's oidc-provider, certified) for the tests, with its own
// pages for signing in and for consent. A second port lets a test turn keys over, change what the
// provider knows about people, and take it away.
//
// Prints one line of JSON when it listens. Ends with its standard input.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import Provider, { errors } from 'oidc-provider';

const settings = JSON.parse(process.argv[2] ?? '{}');

const state = {
  people: settings.people ?? {},
  keys: [],
  down: false,
  cacheControl: 'public, max-age=3600',
  idTokenSeconds: 600,
  asked: {},
};

function newKeys() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return [rsa, ec].map((key) => ({ ...key.export({ format: 'jwk' }), use: 'sig', kid: randomBytes(6).toString('hex') }));
}

const listener = createServer((request, response) => handle(request, response));
listener.listen(0, '127.0.0.1');
await once(listener, 'listening');
const issuer = `http://127.0.0.1:${listener.address().port}`;

const configuration = () => ({
  jwks: { keys: state.keys },
  clients: settings.clients,
  cookies: { keys: ['test'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'locale', 'hd'] },
  conformIdTokenClaims: settings.thinIdTokens ?? false,
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'PS256', 'HS256'] },
  pkce: { required: () => true },
  findAccount: (_ctx, sub) =>
    state.people[sub] && { accountId: sub, claims: () => ({ sub, ...state.people[sub] }) },
  ttl: { IdToken: () => state.idTokenSeconds, AuthorizationCode: 60, AccessToken: 600, Interaction: 600, Session: 600, Grant: 600 },
  features: {
    // Bearer tokens in the form of a JWT for an API that names itself, like those of a hosted identity service.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_ctx, resource) => {
        if (!resource.startsWith('https://api.')) throw new errors.InvalidTarget();
        return { scope: 'openid email', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } };
      },
    },
  },
  extraTokenClaims: (_ctx, token) => state.people[token.accountId],
});

// A provider takes its keys when it is made. What it has handed out is kept outside of it.
let answer;
function turnKeys(keepOld) {
  state.keys = [...newKeys(), ...(keepOld ? state.keys : [])];
  answer = new Provider(issuer, configuration()).callback();
}
turnKeys(false);

function handle(request, response) {
  const path = request.url.split('?')[0];
  state.asked[path] = (state.asked[path] ?? 0) + 1;
  if (state.down) return request.socket.destroy();
  if (path === '/jwks') response.setHeader('cache-control', state.cacheControl);
  return answer(request, response);
}

const control = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const { turn_keys: turn, ...changes } = JSON.parse(text || '{}');
  Object.assign(state, changes);
  if (turn) turnKeys(turn === 'keep');
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ asked: state.asked }));
});
control.listen(0, '127.0.0.1');
await once(control, 'listening');

process.stdout.write(`${JSON.stringify({ issuer, control: `http://127.0.0.1:${control.address().port}` })}\n`);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
